"""Turns a source's scores into one outcome: a reward in [0, 1], or unknown with the reason.

No scale is guessed. A score counts as it is if all its values in the export lie in [0, 1]; with `--range LOW HIGH` it
is scaled. Labels count as `--label NAME=REWARD` says. Of several scores, one is chosen by name. Scores of one name
that disagree by more than half of the scale, and means whose spread is not known, are an unknown outcome.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from memento.integrations.importers.record import ImportOptions
from memento.integrations.importers.side_table import SourceScore
from memento.memory.errors import InvalidInput

_MAX_SPREAD: Final = 0.5
_MAX_COMMENTS: Final = 3
_MAX_SHOWN: Final = 5


class ScoredOutcome(NamedTuple):
    """The outcome of a record."""

    reward: float | None = None
    scored_by: str = ""
    lesson: str = ""
    problem: str = ""
    """Why the record is refused."""
    skipped: str = ""
    """Why it is left out until more is said."""

    def fields(self) -> dict[str, object]:
        """Those of an `ImportedRecord`."""
        scored_by = "" if self.reward is None else self.scored_by
        return {"reward": self.reward, "scored_by": scored_by, "lesson": self.lesson}


def outcome_of(
    scores: Sequence[SourceScore], options: ImportOptions, spans: Mapping[str, tuple[float, float]]
) -> ScoredOutcome:
    """Make one outcome of a record's scores.

    Args:
        scores: of this record.
        options: what the person said about outcomes.
        spans: lowest and highest value of each score in the whole export.
    """
    usable = [one for one in scores if one.value is not None or one.label]
    names = sorted({one.key for one in usable})
    if options.score is None and len(names) > 1:
        shown = ", ".join(names[:_MAX_SHOWN]) + (", ..." if len(names) > _MAX_SHOWN else "")
        return ScoredOutcome(skipped=f"records with several scores ({shown}): choose one with `--score`")
    key = options.score if options.score is not None else (names[0] if names else "")
    own = [one for one in scores if one.key == key]
    lesson = _lesson(own)
    try:
        rewards = [_reward(one, options, spans) for one in own if one in usable]
    except InvalidInput as error:
        return ScoredOutcome(problem=str(error))
    known = [reward for reward in rewards if reward is not None]
    if len(known) < len(rewards):
        label = next(one.label for one in own if one.label not in options.labels)
        return ScoredOutcome(skipped=f"records with the label {label!r}: say what it is worth with `--label`")
    if not known or _disagree(own, known, options):
        return ScoredOutcome(lesson=lesson)
    return ScoredOutcome(math.fsum(known) / len(known), key, lesson)


def _reward(score: SourceScore, options: ImportOptions, spans: Mapping[str, tuple[float, float]]) -> float | None:
    """The reward of one score; None for a label that has none."""
    if score.label:
        return options.labels.get(score.label)
    value = score.value
    if value is None or not math.isfinite(value):
        raise InvalidInput(f"score {score.key!r} is not a number: {value}")
    if options.score_range is not None:
        low, high = options.score_range
        reward = (value - low) / (high - low)
        if not 0 <= reward <= 1:
            raise InvalidInput(f"score {score.key!r} is {value:g}, outside the range {low:g} to {high:g}")
        return reward
    low, high = spans.get(score.key, (value, value))
    if low < 0 or high > 1 or not 0 <= value <= 1:
        raise InvalidInput(
            f"score {score.key!r} has values from {low:g} to {high:g}, and a reward lies in [0, 1]: "
            "say what is worst and best with `--range LOW HIGH`"
        )
    return value


def _disagree(scores: Sequence[SourceScore], rewards: Sequence[float], options: ImportOptions) -> bool:
    low, high = options.score_range or (0.0, 1.0)
    if max(rewards) - min(rewards) > _MAX_SPREAD:
        return True
    for one in scores:
        if one.spread is None and one.value not in (low, high):
            return True
        if one.spread is not None and one.spread / abs(high - low) > _MAX_SPREAD / 2:
            return True
    return False


def _lesson(scores: Sequence[SourceScore]) -> str:
    comments = dict.fromkeys(one.comment.strip() for one in scores if one.comment.strip())
    return "\n".join(list(comments)[:_MAX_COMMENTS])
