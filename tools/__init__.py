"""What the executor can do; knows nothing of the rest."""
