"""Loads data sets of many formats into tasks and rejected rows, each with its line and reason."""
