"""Parts of the desk that both halves use: date widgets and columns, read-only admin, to-do lines, request types.

They know no table of either half.
"""
