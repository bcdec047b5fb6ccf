"""Evaluation runs: a plan, one stream of tasks per arm and seed, and crash-safe journals."""
