"""Learning: learners that follow the ledger's outcomes, snapshots of weights, and versioned estimator settings.

learner.py        keeps one estimator in step with the ledger, each outcome exactly once
taught.py         an estimator, its settings, and how far in the outcomes it is
examples.py       from the ledger's records to what estimators are given
snapshot.py       what was learned, on disk
saving.py         when snapshots are due, and their writing beside the reads
versions.py       which settings serve, and which outcomes count: promoted, refused, rolled back
offline.py        judge and promote, rebuild, roll back
background.py     learners off the request's path
torch_thread.py   the one core that small torch work gets
"""
