"""HTML report of an evaluation run: one self-contained page, and its figures as PNG."""
