"""Versions of estimator settings: the decision that restores an earlier one, and how often one was judged against."""

from collections.abc import Sequence

from memento.memory.case import utc_now
from memento.memory.errors import InvalidInput
from memento.memory.event import OutcomeRange
from memento.memory.ledger.settings_versions import SettingsVersion, built_in


def rollback(history: Sequence[SettingsVersion], to: int | None, *, newest: int) -> SettingsVersion:
    """The decision that restores the estimates as a version last had them.

    Args:
        history: every decision of the namespace and estimator, oldest first; at least one of them serves.
        to: which version; by default the one that served before the serving one, or before what that one restored.
        newest: ledger offset of the newest outcome.

    Raises:
        InvalidInput: no such version, it never served, or it serves now.
    """
    chain = [version for version in history if version.verdict != "refused"]
    if not chain:
        raise InvalidInput("nothing to roll back: no version was ever promoted, the built-in settings serve")
    served = {version.version: version for version in chain}
    served[0] = built_in(chain[0].namespace, chain[0].estimator)
    serving = chain[-1]
    target = _before(served, serving) if to is None else to
    if target not in served:
        was_refused = any(version.version == target for version in history)
        known = ", ".join(map(str, sorted(served)))
        what = "was refused and never served" if was_refused else "does not exist"
        raise InvalidInput(f"version {target} {what}; those that served: {known}")
    if target == serving.version:
        raise InvalidInput(f"version {target} serves already")
    stopped = next(version.since for version in chain if version.replaces == target)
    restored = served[target]
    return restored.model_copy(
        update={
            "version": -1,
            "verdict": "rolled_back",
            "skipped": _merged([*restored.skipped, OutcomeRange(stopped, newest)]),
            "trained_until": stopped,
            "replaces": serving.version,
            "restores": target,
            "reason": f"estimates as version {target} last had them",
            "report": {},
            "created_at": utc_now(),
        }
    )


def n_judged(history: Sequence[SettingsVersion], serving: SettingsVersion) -> int:
    """How many judgements were made against the settings that serve, whichever version had them.

    Args:
        history: every decision of the namespace and estimator, oldest first.
        serving: the version that serves now.
    """
    settings: dict[int, dict[str, float]] = {0: {}} | {version.version: version.settings for version in history}
    return sum(bool(one.report) and settings.get(one.replaces) == serving.settings for one in history)


def _before(served: dict[int, SettingsVersion], serving: SettingsVersion) -> int:
    shown = serving if serving.restores is None else served[serving.restores]
    while shown.restores is not None:
        shown = served[shown.restores]
    if shown.version == 0:
        newer = ", ".join(str(number) for number in sorted(served) if number not in (0, serving.version))
        raise InvalidInput(f"the built-in settings serve, and nothing was before them; later versions: {newer}")
    return shown.replaces


def _merged(ranges: Sequence[OutcomeRange]) -> list[OutcomeRange]:
    """Merge ranges into as few as possible; empty ones are left out."""
    merged: list[OutcomeRange] = []
    for after, until in sorted(ranges):
        if after >= until:
            continue
        if merged and after <= merged[-1].until:
            merged[-1] = OutcomeRange(merged[-1].after, max(until, merged[-1].until))
        else:
            merged.append(OutcomeRange(after, until))
    return merged
