"""Task families, runners and figures: how we know that the memory helps."""
