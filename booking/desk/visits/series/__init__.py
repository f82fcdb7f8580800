"""Booking a series of visits at the desk: the form, the proposed visits, the booking, cancelling the rest.

Which starts a pattern means is computed in `booking.time.recurrence`, never here.
"""
