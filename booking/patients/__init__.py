"""Pages for patients: booking, their visits, the waiting list, outages, and asking for a call.

A view turns a request into a response; rules live in `booking.actions`, and nothing for staff lives here.
"""
