"""Turns a source's scores into one outcome: a reward in [0, 1], or unknown with the reason.

No scale is guessed. A score counts as it is if all its values in the export lie in [0, 1]; with `--range LOW HIGH` it
is scaled. Labels count as `--label NAME=REWARD` says. Of several scores, one is chosen by name. Scores of one name
that disagree by more than half of the scale, and means whose spread is not known, are an unknown outcome.
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from memento.integrations.importers.record import ImportOptions
from memento.integrations.importers.side_table import SideTable, SourceScore
from memento.memory.errors import InvalidInput

_MAX_SPREAD: Final = 0.5
_MAX_COMMENTS: Final = 3
_MAX_SHOWN: Final = 5


_TRUTH: Final[Mapping[str, float]] = MappingProxyType({"true": 1.0, "false": 0.0})
"""Rewards of boolean scores, which no range scales; `--label` may say otherwise."""


class ScoredOutcome(NamedTuple):
    """The outcome of a record."""

    reward: float | None = None
    scored_by: str = ""
    lesson: str = ""
    is_disputed: bool = False
    """Whether something was said of it that cannot be relied on."""
    problem: str = ""
    """Why the record is refused."""
    skipped: str = ""
    """Why it is left out until more is said."""

    def fields(self) -> dict[str, object]:
        """Those of an `ImportedRecord`."""
        scored_by = "" if self.reward is None else self.scored_by
        said: dict[str, object] = {"reward": self.reward, "scored_by": scored_by, "lesson": self.lesson}
        return said | {"is_disputed": self.is_disputed}


def truth(value: object) -> str:
    """The label of a boolean score, `true` or `false`; empty for what is neither."""
    if isinstance(value, str):
        return value.strip().lower() if value.strip().lower() in _TRUTH else ""
    if value not in (0, 1):
        return ""
    return "true" if value else "false"


def check_scores(table: SideTable, options: ImportOptions) -> None:
    """Check that what was said about outcomes fits the scores of an export.

    Raises:
        InvalidInput: no score has the name that was given, or a range was given and several scores are numbers.
    """
    names = table.score_names()
    shown = f"there are {', '.join(names[:_MAX_SHOWN])}" if names else "it has no scores"
    if options.score is not None and options.score not in names:
        raise InvalidInput(f"no score of this export is named {options.score!r}; {shown}")
    if options.score_range is not None and options.score is None and len(table.spans()) > 1:
        raise InvalidInput(f"--range is the scale of one score: choose it with --score; {shown}")


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
        label = next(one.label for one in own if one.label and one.label not in options.labels)
        return ScoredOutcome(skipped=f"records with the label {label!r}: say what it is worth with `--label`")
    if not known or _disagree(own, known, options):
        return ScoredOutcome(lesson=lesson, is_disputed=bool(known))
    return ScoredOutcome(math.fsum(known) / len(known), key, lesson)


def _reward(score: SourceScore, options: ImportOptions, spans: Mapping[str, tuple[float, float]]) -> float | None:
    """The reward of one score; None for a label that has none."""
    if score.label:
        return options.labels.get(score.label, _TRUTH.get(score.label))
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
