"""The staff's side of booking: admin pages and pages of the desk, one room a subject.

Pages here read rows and call `booking.actions`; they never hold a rule of booking themselves.
"""
