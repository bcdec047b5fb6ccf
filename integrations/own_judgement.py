"""How an agent's judgement of its own work is recorded: an agent that grades itself is not a person."""

from typing import Final

AGENT: Final = "agent"
"""Evaluator of outcomes that agents report of their own work."""

AGENT_CONFIDENCE: Final = 0.5
"""Confidence of such outcomes: the least that a memory serves by default, at half a person's weight in learning."""
