"""Figures of evaluation runs: each with its label, its 95 % interval, and what it was counted over."""
