"""Texts of patients' pages that depend on a state: one module a page, one row (`PageState`) a state.

Views choose the row and fill in the names in braces; templates print it. No view, query or template lives here.
"""
