"""Code of a model's making, run where it reaches nothing but the run's workspace."""
