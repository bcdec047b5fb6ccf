"""One stream of a run made by hand: which cases a task is shown, and what comes of it."""

import hashlib
from typing import Any, NamedTuple

import numpy as np

from memento.evals.runs.plan import RunPlan, StreamKey, Visit
from memento.evals.runs.result import HeldWrite, ServedCase, TaskResult
from memento.evals.subject import DIRECT
from memento.evals.task import EvalTask
from memento.memory.case import case_id
from memento.nodes.usage import no_usage

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


class _Kept(NamedTuple):
    id: str
    source: str
    reward: float
    worth: float
    """Hidden: what it adds to the chance of solving a task of its source, from -0.3 to 0.6."""


class MadeStream:
    """Works through its visits one after the other."""

    def __init__(
        self,
        key: StreamKey,
        plan: RunPlan,
        base: float,
        effect: float,
        share_unknown: float,
        usd_per_task: float | None,
        evaluator: str,
        *,
        leak: bool,
    ) -> None:
        self._key, self._plan = key, plan
        self._base, self._effect, self._leak = base, effect, leak
        self._share_unknown, self._usd, self._evaluator = share_unknown, usd_per_task, evaluator
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
        cases = self._served(visit, _draws(f"{self._key.name} {task.id} {visit.iteration}"))
        worth = sum(case.worth for case in cases) / max(1, len(cases)) * min(1.0, len(cases) / 2)
        chance = self._base + 0.3 * (draw.random() - 0.5) + self._effect * self._skill * worth
        is_solved = draw.random() < chance
        is_unknown = draw.random() < self._share_unknown
        answer = task.references[0] if is_solved else f"not {task.references[0]}"
        confidence = 0.6 + 0.4 * draw.random() if self._evaluator == "judge" else 1.0
        is_verdict_right = draw.random() < confidence
        reward = None if is_unknown else float(is_solved == is_verdict_right)
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
            "confidence": confidence,
            "lesson": "",
            "error_class": None,
            "evaluator": self._evaluator,
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
            evaluator=self._evaluator,
            confidence=confidence,
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

    def _served(self, visit: Visit, draw: np.random.Generator) -> list[_Kept]:
        task = visit.task
        bank = self._bank.get(task.source) or [case for cases in self._bank.values() for case in cases]
        if self._key.arm.policy == "none" or not bank:
            return []
        ids = self._ids_of(task)
        own = (
            [_Kept(ids[0], task.source, 1.0, 0.5)]
            if self._leak
            else [self._known[one] for one in ids if one in self._known]
        )
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

    def _ids_of(self, task: EvalTask) -> list[str]:
        actions = (f"look into {task.source}, then count", DIRECT)
        return [case_id(self._key.name, task.question, action) for action in actions]


def _draws(text: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]))
