"""Subtask cases on made tasks whose subtasks recur, with a reader that copies: a SIMULATION.

A task asks for two of eight operations for a customer. Each operation has one right procedure of four, which nothing
says: a task succeeds when both were right, and that is all that is told. Tasks of the same two operations are few, so
what recurs is the subtask. Everything but the model is the product: the graph with its executors and their tools, the
memory with MiniLM vectors and the default policy, the runs of an evaluation. In the model's place is the rule of
`benchmarks.copying_reader`, which was fitted to a small model. Nothing here is evidence about real agents.

    python -m benchmarks.recurring_subtasks --out DIR

tasks.py     the operations, their right procedures, the tasks
reader.py    the executor's model: reads the cases in its prompt, and calls the tool
orders.py    the streams of one order, and the success of an arm
readings.py  streams that a busy machine spoilt
"""
