"""Pages about people: search for a patient, one person's data, the log of who looked.

Names and addresses are sent in POST bodies, never in a URL; nothing here changes a visit.
"""
