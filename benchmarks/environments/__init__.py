"""Published environments, measured: what they cost, and what an agent that knows nothing earns in them.

floors.py    tasks, speed, memory, length of observations, random actions, walkthroughs
"""
