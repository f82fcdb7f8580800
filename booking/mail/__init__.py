"""E-mails of the booking half: the kinds of message, how one is queued, composed and delivered, and its calendar files.

Never here: when a message is due or what it changes (`booking.actions`), and what its row keeps (`booking.models`).
"""
