"""Evaluation runs: a plan, one stream of tasks per arm and seed, and a journal that survives whatever happens."""
