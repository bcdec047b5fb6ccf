"""What a policy would have earned on the logged tasks, and whether the log can tell.

service.py         reads the log, evaluates policies on it, reports
replay.py          the log under each target policy: probabilities, predictions
counterfactual.py  one event under one target policy
past_bank.py       the bank as it was at an event
"""
