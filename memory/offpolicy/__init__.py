"""Off-policy evaluation: whether settings are better, and what another policy would have earned, from the log.

gate.py            chooses other settings and judges them on held-out outcomes
  verdict.py         what has to hold for a promotion
  gain.py            by how much other settings are better, with a limit that noise seldom passes
  figures.py         AUC, Brier, ECE, log loss of predictions, with intervals
  controls.py        question lookup, query only, per-case mean, constant, shuffled outcomes
  out_of_sample.py   predictions of what an estimator has not seen
  within_question.py whether the better set of one question scores higher
  probes.py          cases that cannot have helped: do they get credit?
metrics.py         AUC, Brier, log loss, calibration error
splits.py          by question, by time
service.py         reads the log, evaluates policies on it, reports
  off_policy.py      IPS, SNIPS, DM, DR with intervals, or why they cannot tell
  cross_fitting.py   estimators that have not seen the questions they are asked about
  replay.py          the log under each target policy: probabilities, predictions
  counterfactual.py  one event under one target policy
  past_bank.py       the bank as it was at an event
"""
