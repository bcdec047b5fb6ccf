"""Scorers: how an answer becomes a reward. The workflow's evaluate node and the evaluations share them.

grade.py  a reward, or the reason why there is none; the names of the evaluators
normalisation.py  texts as they are compared
amounts.py        numbers as they are compared, with their currency
exact_match.py    equal to a reference
token_f1.py       words in common with a reference
gaia.py           equal by the rules that GAIA publishes
parts.py          what is scored, what it takes, and what comes of it
ask_judge.py  a judge's reply; one that fails or hangs abstains
judge.py          one judge with references
judges.py         a second judge, asked in another way
rubric.py         a judge without references: criteria that evidence must meet
custom.py         a function of the host's own
registry.py       evaluators by name
"""

from memento.nodes.scoring.exact_match import exact_match
from memento.nodes.scoring.gaia import gaia_match
from memento.nodes.scoring.grade import EvaluatorName, Grade
from memento.nodes.scoring.normalisation import normalized
from memento.nodes.scoring.token_f1 import token_f1

__all__ = ["EvaluatorName", "Grade", "exact_match", "gaia_match", "normalized", "token_f1"]
