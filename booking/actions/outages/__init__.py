"""A therapist is out: ask each patient to move, hold a time for them meanwhile, and leave out nobody.

A visit stays valid, in its state and its time, until one person has decided about it; its AffectedVisit says
beside it that the therapist is out (see `booking.models.affected_visits` for why). Each step out of that state is
one transaction here: the patient takes the held time or another one, or cancels (`answer`); staff settle it by
phone (`settle`); the outage ends (`end`). A patient who does not answer is to be phoned. Triggers of the database
settle the AffectedVisit when the visit is ended or moved by any other action, and let go of the time that was held.

Locks are taken in one order everywhere: therapists, then the AffectedVisit. What never is here: how a page asks,
and what a mail says.
"""
