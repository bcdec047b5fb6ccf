"""What runs, in which order, with which real things."""
