"""A simulated stream of tasks with planted case effects. Nothing here is evidence about real agents.

scenarios.py  the numbers of a world, and the scenarios made of them
world.py      what is simulated: tasks, and cases whose effects are known
stream.py     plays a policy of the product on a stream, step by step
cells.py      what is kept of one play, under a stamp of everything that decides it
jobs.py       runs cells side by side
options.py     values of command line options
kept.py       files put in place whole, stamped with the source that decides what is in them
figures.py    what cells say, with intervals over seeds
bars.py       the bars that one policy is judged by
report.py     tables and JSON lines
plots.py      pictures
"""
