"""Acting in an environment: the executor plays one episode, step by step, with the cases in view.

environment.py     the port: reset, step, observation, valid actions, score
actor.py           the port of who chooses the actions, and a step
model_actor.py     the executor's model as actor: one structured call per step
conversation.py    the conversation of one episode, within the window of the model
episode_prompt.py  the texts of that conversation
step_loop.py       the loop of one episode, within its budgets
episode_run.py     one subtask as an episode: environment borrowed, result written down
trajectory.py      what a case keeps of what was done
fixed_plan.py      plan and answer of a run in an environment, made without a model
"""
