"""Pages for a therapist who is out: choose the span, start it, see the board, settle a visit by phone, end it.

What happens to visits, holds and messages is decided in `booking.actions`, never here.
"""
