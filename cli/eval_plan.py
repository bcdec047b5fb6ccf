"""Turns the command line of `memento eval run` into the plan of a run."""

from collections import Counter
from typing import Any, get_args

from memento.cli.eval_options import RunOptions
from memento.cli.running import parsed_options
from memento.evals.runs.arm import Arm, parse_arm
from memento.evals.runs.plan import PLAN, FeedbackKind, RunPlan
from memento.evals.statistics.orders import MIN_ORDERS, lacks_orders
from memento.evals.task import Dataset, fingerprint
from memento.memory.errors import InvalidInput
from memento.nodes.context import RunSettings

_NOBODY = ("human", "none", "custom")
"""Evaluators that a run cannot use: they need a person, or a function that is not named."""


def context_of(options: RunOptions) -> dict[str, Any]:
    """Settings of every arm, as fields of `Context`.

    Raises:
        InvalidInput: no such scorer.
    """
    names = [name for name in get_args(RunSettings.model_fields["evaluator"].annotation) if name not in _NOBODY]
    if not options.is_own_scorer and options.scorer not in names:
        known = ", ".join(names)
        raise InvalidInput(f"there is no scorer {options.scorer!r}; choose {known}, or write package.module:function")
    settings = {**options.settings, "evaluator": "custom" if options.is_own_scorer else options.scorer}
    parsed_options(lambda: RunSettings.model_validate(settings))
    return settings


def plan_of(options: RunOptions, dataset: Dataset, *, subject: str, preset: str = "") -> RunPlan:
    """The plan that these options ask for.

    Args:
        options: of the command line.
        dataset: as it was read.
        subject: name of what is evaluated.
        preset: name of the preset that this is; empty when it is none.

    Raises:
        InvalidInput: an arm, a scorer or a source that there is not.
    """
    if options.feedback not in get_args(FeedbackKind):
        raise InvalidInput(f"--feedback is {' or '.join(get_args(FeedbackKind))}, not {options.feedback!r}")
    arms = arms_of(options)
    return parsed_options(
        lambda: RunPlan(
            dataset=dataset.name,
            tasks=fingerprint(dataset.tasks),
            n_tasks=len(dataset.tasks),
            environments=options.environment_names,
            subject=subject,
            scorer=options.scorer,
            arms=arms,
            seeds=_seeds(options, arms),
            iterations=options.iterations,
            round=options.round_size,
            feedback=options.feedback,
            held_out=_held_out(options.held_out, dataset),
            held_out_share=options.held_out_share,
            settings=context_of(options),
            preset=preset,
        )
    )


def _seeds(options: RunOptions, arms: list[Arm]) -> list[int]:
    """As asked for; else those of the run that is resumed, or as many as a verdict needs."""
    if options.n_seeds is not None:
        return list(range(options.n_seeds))
    if (options.folder / PLAN).exists():
        return RunPlan.load(options.folder).seeds
    return list(range(MIN_ORDERS if lacks_orders(arms, 1) else 1))


def arms_of(options: RunOptions) -> list[Arm]:
    """The arms that are asked for; without any, no memory and the default policy.

    Raises:
        InvalidInput: there is no such arm, or two are the same.
    """
    arms = [parse_arm(text) for text in options.arms or ["none", "advantage"]]
    for arm in arms:
        if arm.settings.get("approve_plan") or arm.settings.get("evaluator") in _NOBODY:
            raise InvalidInput(f"arm {arm.name!r}: no person approves plans or scores here; remove that setting")
    ((folder, n),) = Counter(arm.folder for arm in arms).most_common(1)
    if n > 1:
        same = next(arm.name for arm in arms if arm.folder == folder)
        raise InvalidInput(f"arm {same!r} was given {n} times, or under names that look alike; give every arm once")
    return arms


def _held_out(names: list[str], dataset: Dataset) -> list[str]:
    sources = {task.source for task in dataset.tasks}
    if unknown := [name for name in names if name not in sources]:
        known = ", ".join(sorted(filter(None, sources))) or "none"
        raise InvalidInput(f"--held-out {unknown[0]!r} is not a source of {dataset.name}; its sources: {known}")
    if names and sources <= set(names):
        raise InvalidInput("all sources are held out: there is nothing to learn from")
    return list(dict.fromkeys(names))
