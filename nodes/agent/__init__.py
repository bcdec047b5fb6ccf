"""What carries out one subtask: LangChain's agent, kept within its budgets and always brought to an answer.

agents.py         compiled agents, each shared by all runs that use the same model and tools
turn.py           one model call, from the request to a reply that ends its turn, or the subtask
budgets.py        what may be spent, what was, and which budget ended
deadlines.py      waiting for something that may never come back
failures.py       errors of tools as messages that a model can act on; which are worth another try
long_results.py   tool results as the model sees them: fenced, and cut when long, with the whole in a file
loop_detection.py  whether the model goes round in circles
model_calls.py    every model call: its deadline, its budget, and the last one, which is an answer
notes.py          what an agent is told on the way
tool_calls.py     every tool call: its budget, its time limit, another try, its result
tool_models.py    model calls that tools make
window.py         conversations longer than the model can read
work.py           one subtask at work: what its agent's calls share
"""
