"""Published environments as subjects of evaluation: TextWorldExpress, ScienceWorld, BabyAI.

port.py               what an environment of evaluations offers, and how it is described
registry.py           those that there are, by name
textworld_express.py, science_world.py, baby_ai.py    their names, limits, splits and keys; import nothing heavy
process.py            a child process that a program runs in; killed when it hangs, started again when it crashed
remote.py             an environment whose program runs in such a process
pool.py               lends environments to runs
subject.py            tasks, corrections and demonstrations of environments, for evaluations
actors.py             actors without a model, as controls
child.py, worlds/     what runs in the child process
"""
