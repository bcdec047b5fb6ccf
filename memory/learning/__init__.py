"""What cases are worth, learned from outcomes: estimators, the learner that follows the ledger with them, their proofs.

estimator.py      what an estimator is given and what it answers
cross_entropy.py  Q(s, c) by cross-entropy (paper Eq. 15)
  q_function.py   its torch head
kernel_control.py Q_EC(s, c) by episodic control (paper Eq. 7 to 11, Algorithm 1)
  kernel.py       its learned kernel
  episodes.py     its episodic store and replay buffer
learner.py        keeps one estimator in step with the ledger, each outcome exactly once
snapshot.py       what was learned, on disk
background.py     learners off the request's path
torch_thread.py   the one core that small torch work gets
"""
