"""Published environments as subjects of evaluation: TextWorldExpress, ScienceWorld, BabyAI, BFCL.

port.py               what an environment of evaluations offers, and how it is described
registry.py           the environments that there are, by name
textworld_express.py  names, limits, splits and keys of its games; imports nothing of it
science_world.py      the same of ScienceWorld's tasks
baby_ai.py            the same of BabyAI's levels
bfcl.py               the same of BFCL's questions, which are conversations of several turns
pool.py               lends environments to runs
remote.py             an environment whose program runs in a child process
process.py            that process: killed when it hangs, started again when it crashed
child.py              what the child process runs; worlds/ has the programs
subject.py            tasks, corrections and demonstrations of environments, for evaluations
actors.py             actors without a model, as controls
"""
