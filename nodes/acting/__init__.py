"""Acting in an environment: the executor plays one episode, step by step, with the cases in view.

environment.py          the port: reset, step, observation, valid actions, score
actor.py                the port of who chooses the actions, and a step
model_actor.py          the executor's model as actor: one structured call per step
tool_episode.py         the executor's agent as actor: the tools act and observe over one episode
conversation.py         the conversation of one episode, within the window of the model
episode_prompt.py       the texts of that conversation, and of the tools
guarded_environment.py  an environment of the host whose failures are named, without secrets in its texts
step_cases.py           cases of steps: read before each action, written with the run
offered_actions.py      valid actions without those that were taken in the same situation
step_loop.py            the loop of one episode, within its budgets
episode_run.py          one subtask as an episode: environment borrowed, played step by step
tool_episode_run.py     one subtask as an episode that the agent plays by tools
episode_result.py       the result of such a subtask
trajectory.py           what a case keeps of what was done
fixed_plan.py           plan and answer of a run in an environment, made without a model
"""
