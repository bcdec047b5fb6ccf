"""Step cases in made houses whose rooms recur, with an actor that copies: a SIMULATION.

A task is to walk through five of sixteen kinds of room. Each room has four doors, of which one leads on; which one
depends on the kind of room alone, and nothing says it. A wrong door costs a step. The score is the share of rooms that
were passed within eight steps, and that is all that is told. Everything but the actor is the product: the graph with
its step loop, the memory with MiniLM vectors, the runs of an evaluation. The actor opens the doors that worked in the
cases shown, by the rule of `benchmarks.copying_reader`. Cases of whole tasks say in which room each door was opened, so
that they are at their best. With `--strange` the right doors are drawn for each task anew: then nothing recurs, and no
case can help. Nothing here is evidence about real agents.

    python -m benchmarks.recurring_situations --out DIR
    python -m benchmarks.recurring_situations.cost

houses.py    the rooms, the tasks, the environment
walker.py    the actor, and the subject of the evaluation
cost.py      what reading and writing steps adds to a run
"""
