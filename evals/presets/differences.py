"""In what a run of ours is not the paper's experiment, as far as its plan and results tell."""

from collections.abc import Sequence

from memento.evals.presets.figures import N_QUESTIONS, SIZES, K
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.statistics.orders import MIN_ORDERS, lacks_orders


def differences(plan: RunPlan, results: Sequence[TaskResult]) -> list[str]:
    """One sentence per thing: questions, models, scorer, cases, feedback, and what is missing."""
    return [
        _questions(plan, results),
        _models(plan),
        f"scorer: ours {plan.scorer}; in the paper F1, and for PM the judge GPT-4o-mini",
        *_cases(plan),
        f"seeds: ours {len(plan.seeds)}, {_intervals(plan)}; in the paper one run without intervals",
        *_missing(results),
    ]


def _questions(plan: RunPlan, results: Sequence[TaskResult]) -> str:
    sources = {result.source.casefold() for result in results}
    theirs = {source.casefold() for source in SIZES}
    of_them = "" if not results or sources & theirs else ", none of them of the paper's sources"
    return f"questions: ours {plan.n_tasks:,} of {plan.dataset}{of_them}; in the paper {N_QUESTIONS:,}"


def _intervals(plan: RunPlan) -> str:
    """What our intervals resample, and whether they allow a verdict."""
    n = len(plan.seeds)
    over = "over questions of this order of the tasks alone" if n < 2 else "over orders of the tasks and questions"
    if lacks_orders(plan.arms, n):
        return f"with 95 % intervals {over}: too few orders to tell arms apart, which needs {MIN_ORDERS}"
    return f"with 95 % intervals {over}"


def _models(plan: RunPlan) -> str:
    named = [f"{role} {plan.settings[role]}" for role in ("planner", "executor", "judge") if plan.settings.get(role)]
    return f"models: ours {', '.join(named) or plan.subject}; in the paper planner GPT-4.1, executor o4-mini"


def _cases(plan: RunPlan) -> list[str]:
    told = []
    k = plan.settings.get("k", K)
    if k != K:
        told.append(f"cases shown: ours {k} where no arm says otherwise; in the paper {K}")
    if plan.feedback == "correction":
        told.append("feedback: ours says what would have been right after a wrong answer; in the paper right or wrong")
    if plan.round > 1:
        told.append(f"rounds: ours of {plan.round} questions, which see the cases of earlier rounds only")
    return told


def _missing(results: Sequence[TaskResult]) -> list[str]:
    n_unknown = sum(result.reward is None for result in results)
    if not n_unknown:
        return []
    return [f"left out: {n_unknown:,} of our {len(results):,} answers, for their reward is not known"]
