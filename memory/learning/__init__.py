"""What cases are worth, learned from outcomes: estimators, the learner that follows the ledger with them, their proofs.

estimator.py      what an estimator is given and what it answers
cross_entropy.py  Q(s, c) by cross-entropy (paper Eq. 15)
  q_function.py   its torch head
kernel_control.py Q_EC(s, c) by episodic control (paper Eq. 7 to 11, Algorithm 1)
  kernel.py       its learned kernel
  episodes.py     its episodic store and replay buffer
settings.py       settings of estimators, checked
examples.py       from the ledger's records to what estimators are given
learner.py        keeps one estimator in step with the ledger, each outcome exactly once
snapshot.py       what was learned, on disk
versions.py       which settings serve, and which outcomes count: promoted, refused, rolled back
offline.py        judge and promote, rebuild, roll back
  gate.py         chooses other settings and judges them on held-out outcomes
  verdict.py      what has to hold for a promotion
  figures.py      AUC, Brier, ECE, log loss of predictions, with intervals
  controls.py     question lookup, query only, per-case mean, constant, shuffled outcomes
  out_of_sample.py    predictions of what an estimator has not seen
  within_question.py  whether the better set of one question scores higher
  metrics.py      AUC and its like, intervals that resample whole questions
  splits.py       by question, by time
  leak.py         what a split by rows pretends, shown
  reference_head.py   the reference's head, retrained
  probes.py       cases that cannot have helped: do they get credit?
off_policy.py     IPS, SNIPS, DM, DR with intervals, or why they cannot tell
cross_fitting.py  estimators that have not seen the questions they are asked about
background.py     learners off the request's path
torch_thread.py   the one core that small torch work gets
"""
