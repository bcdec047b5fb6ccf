"""Acting in an environment: the executor plays one episode, step by step, with the cases in view.

environment.py   the port: reset, step, observation, valid actions, score
"""
