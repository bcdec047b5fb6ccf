"""Data sets as files: whatever their format, they become tasks, and what is no task is said with its line."""
