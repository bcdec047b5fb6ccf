"""Sections of the report, each a function of the view; None where a run has nothing to show."""
