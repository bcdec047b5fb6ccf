"""The agent that carries out one subtask: LangChain's agent with budgets, time limits and a guaranteed answer.

agents.py          Cache of compiled agents, shared by all runs with the same model and tools
turn.py            One turn of an agent: a model call, continued when cut off
budgets.py         Budgets of subtasks and runs: limits, meters of what was spent, and which budget has run out
deadlines.py       Deadlines for awaitables that may never return
failures.py        Turns tool errors into messages that a model can act on, and decides which are worth a retry
long_results.py    Prepares tool results for the model: fenced, secrets redacted
loop_detection.py  Detects an agent in a loop: the same calls with the same results, turn after turn
model_calls.py     Middleware around an agent's model calls: deadlines, budgets, and a final call that must answer
notes.py           Notes added to an agent's conversation. Constants, except for our own numbers, tool names and paths
tool_calls.py      Middleware around an agent's tool calls: budgets, time limits, retries, and always a result
tool_models.py     Counts the model calls that tools make (such as looking at a picture)
window.py          Fits long conversations into the model's context window: trims old results
call_record.py     The record of an agent's tool calls, made from its messages
work.py            Shared state of one subtask's agent calls: budgets, usage, workspace, notices
outages.py         What did not answer while a subtask was carried out
offer.py           An agent's tools in a portable form, without those that the provider refuses
offered_tools.py   Middleware that shows the model its tools in a portable form
"""
