"""Evaluation: data sets, runs, statistics and reports that measure whether the memory helps."""
