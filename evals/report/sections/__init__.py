"""The parts of the page, each a function of the view; None where a run has nothing to say of it."""
