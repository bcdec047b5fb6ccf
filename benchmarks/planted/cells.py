"""One cell of the benchmark: a scenario, a policy, a seed. Played once, kept as a JSON file, and never played again.

A file is put in place whole, so that a kill costs the cells that were being played and no other. It carries a stamp of
everything that decides what is in it, the source included; with another stamp it is played again.
"""

import hashlib
import importlib
import json
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.planted.kept import put_in_place, source_of
from benchmarks.planted.scenarios import World
from benchmarks.planted.stream import ORACLE, Trace, play
from benchmarks.planted.world import CASE_KINDS, Generator, planted
from memento.memory.estimators.registry import make_estimator
from memento.memory.policies.registry import policy_named
from memento.memory.recalling import N_CANDIDATES, N_SUGGESTED

Z90 = 1.645


@dataclass(frozen=True)
class Task:
    """What decides a cell."""

    scenario: str
    world: World
    policy: str
    """`POLICY` or `POLICY@LEARNER`, as `stream.play` takes it."""
    seed: int
    steps: int
    k: int
    generator: str = f"{planted.__module__}:{planted.__name__}"
    """`package.module:function`."""

    def path(self, folder: Path) -> Path:
        """Where its cell is kept."""
        return folder / f"{self.scenario}.{self.policy}.{self.seed}.json"

    def stamp(self) -> str:
        """Differs whenever the cell would."""
        recall = f"{N_CANDIDATES} {N_SUGGESTED}"
        decides = json.dumps(asdict(self), sort_keys=True) + recall + _source(self.policy, self.generator)
        return hashlib.sha256(decides.encode()).hexdigest()[:16]

    def is_kept(self, folder: Path) -> bool:
        """Whether its cell need not be played."""
        return load(self, folder) is not None

    def run(self, folder: Path) -> None:
        """Play its cell and keep it."""
        run(self, folder)


class Calibration(NamedTuple):
    """How the estimator's values at reads compare with the truth, over the second half of the stream."""

    n: int
    """Served cases that it gave a value and a standard deviation."""
    covered: int
    """Of them, those whose true u lies in the 90 % interval."""
    bias: float
    """Mean of value - u, in logits."""


class CaseColumns(NamedTuple):
    """Every case that was in the bank, by column; None where a case was never served, or nothing was estimated."""

    kind: list[str]
    exposures: list[int]
    true_effect: list[float | None]
    """Mean of the true u over the tasks that the case was served for."""
    mean_reward: list[float | None]
    """Mean of the rewards of those tasks: what shared labels know of a case."""
    effect: list[float | None]
    """The estimator's."""
    sd: list[float | None]


class Cell(NamedTuple):
    """What is kept of a trace."""

    scenario: str
    policy: str
    seed: int
    probability: list[float]
    """Of success at each step, given what was served."""
    mean_reward: float
    calibration: Calibration
    cases: CaseColumns
    ms_per_step: float


def generator_named(name: str) -> Generator:
    """The generator of a `package.module:function`.

    Raises:
        ValueError: it is not of this form.
        ImportError, AttributeError: there is none.
    """
    module, colon, function = name.partition(":")
    if not (module and colon and function):
        raise ValueError(f"a generator is named package.module:function, not {name!r}")
    generator: Generator = getattr(importlib.import_module(module), function)
    return generator


def load(task: Task, folder: Path) -> Cell | None:
    """The cell as it was kept, or None when it has to be played: none is there, or a stale or damaged one."""
    try:
        kept = json.loads(task.path(folder).read_text("utf-8"))
        if kept.pop("stamp") != task.stamp():
            return None
        calibration, cases = Calibration(**kept.pop("calibration")), CaseColumns(**kept.pop("cases"))
        return Cell(**kept, calibration=calibration, cases=cases)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def run(task: Task, folder: Path) -> None:
    """Play a cell and keep it."""
    stamp = task.stamp()  # of the source as it is imported now
    began = time.perf_counter()
    generator = generator_named(task.generator)
    trace = play(task.world, task.policy, seed=task.seed, steps=task.steps, k=task.k, generator=generator)
    ms_per_step = 1000 * (time.perf_counter() - began) / task.steps
    cell = Cell(
        scenario=task.scenario,
        policy=task.policy,
        seed=task.seed,
        probability=np.round(trace.probability_T, 5).tolist(),
        mean_reward=float(trace.reward_T.mean()),
        calibration=_calibration(trace),
        cases=_case_columns(trace),
        ms_per_step=round(ms_per_step, 3),
    )
    kept: dict[str, Any] = {"stamp": stamp, **cell._asdict()}
    kept |= {"calibration": cell.calibration._asdict(), "cases": cell.cases._asdict()}
    put_in_place(task.path(folder), json.dumps(kept))


def _calibration(trace: Trace) -> Calibration:
    half = len(trace.reward_T) // 2
    served_TK, value_TK, sd_TK = trace.served_TK[half:], trace.value_TK[half:], trace.sd_TK[half:]
    true_TK = trace.stream.utility_RN[trace.stream.row_T[half:, None], served_TK]
    is_known = (served_TK >= 0) & np.isfinite(sd_TK)
    error_M = (value_TK - true_TK)[is_known]
    if not len(error_M):
        return Calibration(0, 0, 0.0)
    covered = int((np.abs(error_M) <= Z90 * sd_TK[is_known]).sum())
    return Calibration(len(error_M), covered, float(error_M.mean()))


def _case_columns(trace: Trace) -> CaseColumns:
    stream, n = trace.stream, int(trace.stream.n_active_T[-1])
    step_M, slot_M = np.nonzero(trace.served_TK >= 0)
    case_M = trace.served_TK[step_M, slot_M]
    exposures_N = np.bincount(case_M, minlength=n)

    effect_N, sd_N = np.full(n, np.nan), np.full(n, np.nan)
    for one in [] if trace.estimator is None else trace.estimator.effects():
        effect_N[trace.number[one.case_id]], sd_N[trace.number[one.case_id]] = one.effect, one.sd
    return CaseColumns(
        kind=[CASE_KINDS[kind] for kind in stream.kind_N[:n]],
        exposures=exposures_N.tolist(),
        true_effect=_known(_means(case_M, stream.utility_RN[stream.row_T[step_M], case_M], n)),
        mean_reward=_known(_means(case_M, trace.reward_T[step_M], n)),
        effect=_known(effect_N),
        sd=_known(sd_N),
    )


def _means(case_M: NDArray[np.int32], value_M: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Mean value of each of `n` cases; nan for one that has none."""
    with np.errstate(invalid="ignore"):
        return np.bincount(case_M, weights=value_M, minlength=n) / np.bincount(case_M, minlength=n)


def _known(value_N: NDArray[np.float64]) -> list[float | None]:
    """For JSON, which has no nan."""
    return [round(float(value), 5) if np.isfinite(value) else None for value in value_N]


@cache
def _source(policy: str, generator: str) -> str:
    """Source of a policy, its estimator, a generator and this benchmark, with what they import of one another."""
    modules = {__name__, generator.partition(":")[0]}
    for chosen_by in (policy_named(name) for name in policy.split("@") if name != ORACLE):
        modules.add(type(chosen_by).__module__)
        if chosen_by.estimator is not None:
            modules.add(type(make_estimator(chosen_by.estimator, dim=2, seed=0)).__module__)
    return source_of(modules)
