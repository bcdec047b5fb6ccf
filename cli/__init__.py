"""The `memento` command."""
