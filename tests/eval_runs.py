"""Evaluation runs made by hand: what a runner would leave in its folder, from a seeded simulation without any model.

Every task has a difficulty; every case helps or harms by a hidden amount, which an arm profits from by its `skill`.
The same draws decide a task in all arms, so that arms differ only where their cases do, as with a deterministic model.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import Feedback, RunPlan, StreamKey, Visit
from memento.evals.runs.result import HeldWrite, ServedCase, TaskResult
from memento.evals.subject import DIRECT
from memento.evals.task import EvalTask, fingerprint
from memento.memory.case import case_id
from memento.nodes.usage import no_usage

SOURCES = ("rivers", "operas", "chess")
SKILLS = {
    "none": 0.0,
    "random": 0.05,
    "similarity": 0.35,
    "similarity_reward": 0.4,
    "parametric": 0.3,
    "advantage": 0.6,
}
"""By policy: how much of what cases have to give an arm gets out of them."""
_SERVED = 4


class MadeRun(NamedTuple):
    """What was made."""

    folder: Path
    plan: RunPlan
    tasks: list[EvalTask]


class _Kept(NamedTuple):
    id: str
    source: str
    reward: float
    worth: float
    """Hidden: what it adds to the chance of solving a task of its source, from -0.3 to 0.6."""


def made_tasks(
    n: int, *, sources: Sequence[str] = SOURCES, ask: str = "What is item {number} of {source}?"
) -> list[EvalTask]:
    """Tasks with one reference each, their sources in turn."""
    return [
        EvalTask(
            id=f"t{number}",
            question=ask.format(number=number, source=sources[number % len(sources)]),
            references=[f"answer {number}"],
            source=sources[number % len(sources)],
        )
        for number in range(n)
    ]


def make_run(
    folder: Path,
    *,
    arms: Sequence[str] = ("none", "random", "similarity", "advantage"),
    n_tasks: int = 60,
    seeds: Sequence[int] = (0, 1, 2),
    tasks: Sequence[EvalTask] | None = None,
    held_out: Sequence[str] = (),
    iterations: int = 1,
    per_round: int = 5,
    feedback: Feedback = "correction",
    base: float = 0.3,
    effect: float = 1.0,
    share_done: float = 1.0,
    share_unknown: float = 0.02,
    usd_per_task: float | None = 0.002,
    leak: bool = False,
    **more: Any,
) -> MadeRun:
    """Write a run folder: the plan, and the journal of every stream.

    Args:
        folder: of the run; made where it is missing.
        arms: as `parse_arm` reads them.
        n_tasks: when `tasks` are not given.
        seeds: one stream per arm and seed.
        tasks: of the data set.
        held_out: sources that come last, with a frozen bank.
        iterations: how often the stream goes through its tasks.
        per_round: tasks that see the same bank.
        feedback: whether wrong answers are corrected.
        base: chance of solving a task without cases, on average.
        effect: of memory; 0 makes a run in which no arm differs but by the cases shown.
        share_done: of every stream; less than 1 is a run that still goes on.
        share_unknown: of tasks whose reward is not known.
        usd_per_task: None: the price of the model is not known.
        leak: a case of the very question is shown where there is one.
        more: further fields of the plan.
    """
    tasks = list(tasks) if tasks is not None else made_tasks(n_tasks)
    plan = RunPlan.model_validate(
        {
            "dataset": "made-questions",
            "tasks": fingerprint(tasks),
            "n_tasks": len(tasks),
            "subject": "scripted",
            "scorer": "exact",
            "arms": [parse_arm(arm) for arm in arms],
            "seeds": list(seeds),
            "iterations": iterations,
            "round": per_round,
            "feedback": feedback,
            "held_out": list(held_out),
            "settings": {"evaluator": "exact", "max_cycles": 1},
        }
        | more
    )
    plan.save(folder)
    for key in plan.streams():
        visits = list(plan.visits(tasks, key.seed))
        stream = _Stream(key, plan, base, effect, share_unknown, usd_per_task, leak)
        lines = [stream.result(visit).model_dump_json() for visit in visits[: int(share_done * len(visits))]]
        path = folder / "streams" / key.name / "journal.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return MadeRun(folder, plan, tasks)


class _Stream:
    def __init__(
        self,
        key: StreamKey,
        plan: RunPlan,
        base: float,
        effect: float,
        share_unknown: float,
        usd_per_task: float | None,
        leak: bool,
    ) -> None:
        self._key, self._plan = key, plan
        self._base, self._effect, self._leak = base, effect, leak
        self._share_unknown, self._usd = share_unknown, usd_per_task
        self._skill = SKILLS.get(key.arm.policy, 0.3)
        self._k = int(key.arm.settings.get("k", _SERVED))
        self._bank: dict[str, list[_Kept]] = {}
        self._known: dict[str, _Kept] = {}
        self._waiting: list[_Kept] = []
        self._round = 0

    def result(self, visit: Visit) -> TaskResult:
        """Work on a task; what it leaves is seen from the next round on."""
        if visit.round > self._round:
            for case in self._waiting:
                self._bank.setdefault(case.source, []).append(case)
                self._known[case.id] = case
            self._waiting, self._round = [], visit.round
        task, seed = visit.task, self._key.seed
        draw = _draws(f"{task.id} {seed} {visit.iteration}")
        # Which cases an arm finds is its own affair; how hard the task is is not.
        cases = self._served(task, _draws(f"{self._key.name} {task.id} {visit.iteration}"))
        worth = sum(case.worth for case in cases) / max(1, len(cases)) * min(1.0, len(cases) / 2)
        chance = self._base + 0.3 * (draw.random() - 0.5) + self._effect * self._skill * worth
        is_solved = draw.random() < chance
        is_unknown = draw.random() < self._share_unknown
        answer = task.references[0] if is_solved else f"not {task.references[0]}"
        reward = None if is_unknown else float(is_solved)
        is_known_model = self._usd is not None
        n_calls = 1 + int(draw.integers(3))
        usage = no_usage() | {
            "input_tokens": 400 + 150 * len(cases) + int(draw.integers(100)),
            "output_tokens": 40 + int(draw.integers(40)),
            "model_calls": n_calls,
            "cost_usd": (self._usd or 0.0) * (1 + 0.2 * len(cases)),
            "unpriced_calls": 0 if is_known_model else n_calls,
        }
        arguments = {
            "state": task.question,
            "action": f"look into {task.source}, then count",
            "answer": answer,
            "reward": reward,
            "event_id": f"{self._key.name}-{visit.position}",
            "confidence": 1.0,
            "lesson": "",
            "error_class": None,
            "evaluator": "exact",
            "thread_id": None,
            "models": {"planner": "scripted:small", "executor": "scripted:small"},
            "namespace": self._key.name,
        }
        if visit.phase == "learn":
            self._keep(visit, arguments)
        return TaskResult(
            arm=self._key.arm.name,
            seed=seed,
            phase=visit.phase,
            iteration=visit.iteration,
            position=visit.position,
            round=visit.round,
            task_id=task.id,
            source=task.source,
            answer=answer,
            reward=reward,
            evaluator="exact",
            confidence=float(np.clip(chance + 0.1 * (draw.random() - 0.5), 0, 1)),
            exact=float(is_solved),
            f1=1.0 if is_solved else 0.67,
            error="the judge failed" if is_unknown else None,
            error_class="judge" if is_unknown else None,
            event_id=str(arguments["event_id"]),
            policy=self._key.arm.policy,
            cases=[
                ServedCase(
                    id=case.id,
                    reward=case.reward,
                    similarity=0.9 - 0.1 * slot,
                    score=0.5 + case.worth / 2,
                    slot=slot,
                    propensity=0.25,
                )
                for slot, case in enumerate(cases)
            ],
            usage=usage,
            seconds=0.8 + draw.random() + 0.05 * len(cases),
            memory_seconds=0.02 + 0.01 * draw.random() if self._key.arm.policy != "none" else 0.0,
            held=HeldWrite(arguments=arguments) if visit.phase == "learn" else None,
        )

    def _served(self, task: EvalTask, draw: np.random.Generator) -> list[_Kept]:
        bank = self._bank.get(task.source) or [case for cases in self._bank.values() for case in cases]
        if self._key.arm.policy == "none" or not bank:
            return []
        ids = self._ids_of(task)
        own = [self._known[one] for one in ids if one in self._known][:1] if self._leak else []
        found = [bank[at] for at in dict.fromkeys(draw.integers(len(bank), size=self._k + len(ids)).tolist())]
        return [*own, *(case for case in found if case.id not in ids)][: self._k]

    def _keep(self, visit: Visit, arguments: dict[str, Any]) -> None:
        reward = arguments["reward"]
        if reward is None:
            return
        self._put(visit, str(arguments["action"]), reward)
        if reward < 0.5 and self._plan.feedback == "correction":
            self._put(visit, DIRECT, 1.0)

    def _put(self, visit: Visit, action: str, reward: float) -> None:
        kept_id = case_id(self._key.name, visit.task.question, action)
        worth = _draws(f"worth {visit.task.id} {action}").uniform(-0.3, 0.6) + 0.3 * reward
        if kept_id not in self._known:
            self._waiting.append(_Kept(kept_id, visit.task.source, reward, worth))

    def _ids_of(self, task: EvalTask) -> set[str]:
        actions = (f"look into {task.source}, then count", DIRECT)
        return {case_id(self._key.name, task.question, action) for action in actions}


def _draws(text: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]))
