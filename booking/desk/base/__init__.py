"""Parts that every room of the desk shares: buttons, row permissions, fields, the free-times panel, wording.

Pages and anything about one subject alone never live here.
"""
