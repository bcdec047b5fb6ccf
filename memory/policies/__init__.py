"""Retrieval policies, mu(c | s, M): which of the recalled cases are served. A policy chooses; it does not learn.

port.py        what a policy is, and how a choice is drawn from it with its exact propensities
controls.py    none, random
similarity.py  similarity, similarity_reward
learned.py     parametric, kernel, soft
advantage.py   advantage
utility.py     memrl, romerl
cascade.py     cascade
uplift.py      uplift
token_budget.py  which cases still fit a token budget, and the price of a token
next_best.py   the best case that was not served, and why not
set_probability.py  how likely a set is served, and was logged
registry.py    policies by name
own.py         a memory's own policy beside them
"""
