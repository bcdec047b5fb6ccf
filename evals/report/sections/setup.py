"""Setup: what was run, and how to run it again."""

import json
import shlex
from typing import Any

from memento.evals.report.blocks import Code, Facts, Note, Section
from memento.evals.report.formatting import counted, duration, listed
from memento.evals.report.view import View
from memento.evals.runs.plan import RunPlan

_FEEDBACK = {
    "reward": "the memory is told how good each answer was (bandit feedback)",
    "correction": "after a wrong answer the memory is also told what would have been right (corrections)",
}


def setup(view: View) -> Section:
    """Show the plan in words, and the command."""
    plan = view.plan
    models = sorted({f"{role}: {name}" for role, name in _models(view)})
    seconds = sum(one.seconds for one in view.results)
    facts = [
        ("Data set", f"{plan.dataset}, {counted(plan.n_tasks, 'question')} (fingerprint {plan.tasks[:16]})"),
        ("What was evaluated", plan.subject),
        ("Models", ", ".join(models) or "not recorded"),
        ("Arms", ", ".join(arm.name for arm in plan.arms)),
        ("Seeds", f"{', '.join(map(str, plan.seeds))}: each is another order of the tasks, the same in all arms"),
        ("Iterations", f"{plan.iterations}"),
        ("Feedback", f"{plan.feedback}: {_FEEDBACK[plan.feedback]}"),
        ("Round", f"{plan.round}: so many tasks see the same memory, then it learns from them"),
        ("Held out", what_is_held_out(plan) or "nothing"),
        ("Scorer", plan.scorer),
        ("Settings", ", ".join(f"{name}={_plain(value)}" for name, value in plan.settings.items()) or "as configured"),
        *([("Preset", plan.preset)] if plan.preset else []),
        ("Began", f"{view.began:%Y-%m-%d %H:%M} UTC"),
        ("Newest result", f"{view.last:%Y-%m-%d %H:%M} UTC"),
        ("Work", f"{counted(len(view.results), 'result')}, {duration(seconds)} of tasks' own time"),
    ]
    return Section(
        "setup",
        "What was run",
        [
            Facts(facts),
            Note(
                "The same again, where FILE is the data set: in the same folder it goes on where this run has stopped, "
                "in another it begins afresh."
            ),
            Code(command(view)),
        ],
    )


def what_is_held_out(plan: RunPlan) -> str:
    """Return what a run holds out, in words; empty when nothing."""
    share = f"{100 * plan.held_out_share:g} % of the{' other' if plan.held_out else ''} questions"
    return " and ".join(
        [*([listed(plan.held_out)] if plan.held_out else []), *([share] if plan.held_out_share else [])]
    )


def command(view: View) -> str:
    """Return the command that runs the plan again."""
    plan = view.plan
    if plan.preset:
        parts = [f"memento eval preset {plan.preset} --dataset FILE"]
    else:
        parts = ["memento eval run --dataset FILE", *(f"--arm {shlex.quote(arm.name)}" for arm in plan.arms)]
        parts += [f"--iterations {plan.iterations}"] if plan.iterations > 1 else []
        parts += [f"--held-out {shlex.quote(source)}" for source in plan.held_out]
        parts += [f"--held-out-share {plan.held_out_share:g}"] if plan.held_out_share else []
    if not plan.subject.startswith("configured agent"):
        parts.append("--subject PACKAGE.MODULE:FUNCTION")
    parts.append(f"--limit {plan.n_tasks} --seeds {len(plan.seeds)} --round {plan.round}")
    parts.append(f"--feedback {plan.feedback} --scorer {shlex.quote(plan.scorer)}")
    parts += [
        f"--{name.replace('_', '-')} {shlex.quote(_plain(plan.settings[name]))}"
        for name in ("planner", "executor", "judge", "second_judge", "max_cycles")
        if plan.settings.get(name) is not None
    ]
    parts.append(f"--out {shlex.quote(view.folder.resolve().name)}")
    return " \\\n  ".join(parts)


def _models(view: View) -> set[tuple[str, str]]:
    found = set[tuple[str, str]]()
    for one in view.results:
        if one.held is not None:
            found |= set((one.held.arguments.get("models") or {}).items())
    return found


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
