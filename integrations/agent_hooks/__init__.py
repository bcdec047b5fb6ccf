"""Hooks of coding agents: recall cases when a task begins, capture the attempt when it ends."""
