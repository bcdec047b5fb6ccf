"""Scorers: turn an answer into a reward. Shared by the evaluate node and the evaluations.

grade.py          The grade of an answer: a reward, or the reason why it is unknown; evaluator names
normalisation.py  Text normalisation for comparison: form is removed, content kept
amounts.py        Parses amounts: a number with an optional currency or per cent sign
exact_match.py    Exact match: the answer equals a reference after normalisation
token_f1.py       Token F1: word overlap of an answer with a reference
gaia.py           GAIA's quasi-exact match, by the rules published with the benchmark
parts.py          Inputs and outputs of scoring: the answer, the evaluator's dependencies, the grade
ask_judge.py      Calls a judge model. A judge that fails or hangs abstains; it never counts against an answer
judge.py          LLM judge with references: decides whether an answer means the same as a reference
judges.py         Two LLM judges, the second a different model or the same one with another prompt
rubric.py         LLM judge without references, for production traffic
environment_score.py  Environment score: the reward is what the environment gave for the last episode of a run
custom.py         Custom scorers of the host: unit tests, query results, anything that grades an answer
registry.py       Evaluators by name. `human` is missing: the evaluate node asks a person
"""

from memento.nodes.scoring.exact_match import exact_match
from memento.nodes.scoring.gaia import gaia_match
from memento.nodes.scoring.grade import EvaluatorName, Grade
from memento.nodes.scoring.normalisation import normalized
from memento.nodes.scoring.token_f1 import token_f1

__all__ = ["EvaluatorName", "Grade", "exact_match", "gaia_match", "normalized", "token_f1"]


def __getattr__(name: str) -> object:
    if name == "Evaluation":
        import warnings

        warnings.warn("`Evaluation` is now `Grade`; the former name ends with 0.3", DeprecationWarning, stacklevel=2)
        return Grade
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
