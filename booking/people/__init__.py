"""Normal forms of phone numbers, names and e-mail addresses, in which people are compared, found and limited.

Pure functions of text: no Django, no database.
"""
