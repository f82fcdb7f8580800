"""Visits at the desk: the calendar, booking for a caller or as a series, the buttons on a visit, the day sheet.

Who may be booked when is decided in `booking.actions` and `booking.time`, never here.
"""
