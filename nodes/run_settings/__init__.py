"""Settings of a run, by the parts of the workflow that they are for; `RunSettings` in nodes/context.py has them all.

cases.py         which cases are shown, to whom, and which are kept
roles.py         models and instructions of planner and executor, and how they work
budgets.py       the most that a subtask and a run may take
evaluation.py    who gives the reward; lessons; what the chat shows
form.py          the form that Studio and Open Agent Platform draw of them
"""
