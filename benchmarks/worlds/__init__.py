"""Simulated worlds in which every outcome is written back as a case. Nothing here is evidence about real agents.

A task's attempt follows the actions of the cases it is served, or a guess of its own, and becomes a case itself: so
actions, their support and the first hundred tasks matter, as they do in use. The product's own policies and estimators
play; nothing in them was tuned on these worlds.

    python -m benchmarks.worlds --policies advantage similarity_reward --worlds base plans --seeds 0-9

settings.py     the numbers of a world, and the worlds made of them
drawn.py        a stream, fully drawn: tasks, guesses, texts, luck
bank.py         the cases written so far, and what serving them would do
contestants.py  policies by name, with changed settings, or of one's own
serving.py      serves cases for a task: recall, estimate, choose
stream.py       plays a contestant on a stream: serve, attempt, tell, write back
cells.py        what is kept of one play
report.py       tables, with intervals over seeds
"""
