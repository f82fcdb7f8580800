"""The reading half: articles, questions, search, and the desk's pages that edit them.

Appointments, patients and opening hours never live here: they are in `booking`.
"""
