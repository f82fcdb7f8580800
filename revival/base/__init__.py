"""What both halves of the site use: dates in words, jobs, mail, refusals, the change log, desk parts.

Imports no app, so `booking` and `articles` can both stand on it.
"""
