"""Evaluators by name. `human` is missing: the evaluate node asks a person."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from memento.nodes.foreign_errors import is_control_flow, told
from memento.nodes.scoring.custom import scored_by
from memento.nodes.scoring.environment_score import has_episode, score_by_environment
from memento.nodes.scoring.exact_match import exact_match
from memento.nodes.scoring.gaia import gaia_match
from memento.nodes.scoring.grade import EvaluatorName, Grade, unknown
from memento.nodes.scoring.judge import score_by_judge
from memento.nodes.scoring.judges import score_by_judges
from memento.nodes.scoring.parts import Answered, Scored, ScoringParts
from memento.nodes.scoring.rubric import score_by_rubric
from memento.nodes.scoring.token_f1 import token_f1

Evaluator = Callable[[Answered, ScoringParts], Awaitable[Scored]]
"""Scores one answer; never raises because a judge or a scorer failed."""

_NO_SCORER = "no scorer is given: build the graph with Deps(scorer=...), or ask with --scorer package.module:function"


async def score(answered: Answered, parts: ScoringParts) -> Scored:
    """Score an answer by the evaluator named in the run's settings; a failing evaluator leaves the reward unknown.

    Raises:
        KeyError: `human`, who is asked elsewhere.
    """
    name = answered.settings.evaluator
    evaluator = EVALUATORS[name]
    try:
        return await evaluator(answered, parts)
    except Exception as error:
        if is_control_flow(error):
            raise
        return Scored(unknown(name, f"the evaluation failed: {told(error, parts.redact)}"))


def _compared(name: EvaluatorName, reward: Callable[[str, Sequence[str]], float]) -> Evaluator:
    async def compare(answered: Answered, _: ScoringParts) -> Scored:
        return Scored(Grade(float(reward(answered.answer, answered.run["references"])), name))

    return _with_references(compare)


def _with_references(evaluator: Evaluator) -> Evaluator:
    """Wrap an evaluator that needs references."""

    async def evaluate(answered: Answered, parts: ScoringParts) -> Scored:
        if not answered.run["references"]:
            return Scored(Grade(None, "none", reason="no reference to compare with"))
        return await evaluator(answered, parts)

    return evaluate


async def _match_or_judge(answered: Answered, parts: ScoringParts) -> Scored:
    if exact_match(answered.answer, answered.run["references"]):
        return Scored(Grade(1.0, "exact"))
    return await score_by_judge(answered, parts)


async def _auto(answered: Answered, parts: ScoringParts) -> Scored:
    evaluator = score_by_environment if has_episode(answered) else _with_references(_match_or_judge)
    return await evaluator(answered, parts)


async def _custom(answered: Answered, parts: ScoringParts) -> Scored:
    if parts.scorer is None:
        return Scored(unknown("custom", _NO_SCORER))
    run, seconds = answered.run, answered.seconds_left()
    given = (parts.scorer, run["task"], answered.answer, run["references"])
    beside = {"run": run, "results": list(answered.results)}
    return Scored(await scored_by(*given, beside=beside, redact=parts.redact, seconds=seconds))


async def _off(_: Answered, __: ScoringParts) -> Scored:
    return Scored(Grade(None, "none", reason="evaluation is off"))


EVALUATORS: Final[Mapping[EvaluatorName, Evaluator]] = {
    "auto": _auto,
    "exact": _compared("exact", exact_match),
    "f1": _compared("f1", token_f1),
    "gaia": _compared("gaia", gaia_match),
    "judge": _with_references(score_by_judge),
    "judges": _with_references(score_by_judges),
    "rubric": score_by_rubric,
    "environment": score_by_environment,
    "custom": _custom,
    "none": _off,
}
