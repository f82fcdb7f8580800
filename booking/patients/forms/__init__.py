"""What patients type, one form a page. A form checks order and bounds; the action decides."""
