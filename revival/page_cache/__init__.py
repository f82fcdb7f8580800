"""Public pages kept in memory, shared between processes and dropped when the content changes; images, too.

Pages for one person (booking, visits, the desk) are never kept here.
"""
