"""Pages for working hours: weekly hours, single days, public holidays and blocked time.

Every page shows the visits that a change would leave outside working hours before it saves; nothing here moves a visit.
"""
