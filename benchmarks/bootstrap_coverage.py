"""Do the intervals of paired comparisons cover the truth? A SIMULATION: `python -m benchmarks.bootstrap_coverage`.

Every comparison is a fresh evaluation of two arms on n questions with S seeds. A question has its own difficulty, drawn
from a beta distribution whose mean is the base rate; the arms' chances of it differ by a known mean (0, or 5 points),
and part of the time both arms of a pair meet the same luck, as a model at temperature 0 with much the same prompt does:

    alike    difficulties far apart (intra-question correlation 0.6), half of the luck shared
    apart    difficulties close together (0.2), no luck shared

The product's own `judged` gives interval and verdict; `percentile` beside it is the textbook's resampling of questions
with replacement. Power is how often a true difference is shown, beside what the power formula promises. Sources:
seven of unequal size, the difference another in each, for the macro average. One arm: its accuracy alone.

Bar: 93 to 97 % of 400 comparisons, drawn evenly from all settings, are covered; nulls say "no difference" as often.

With --learning the arms have a memory, and an evaluation is a set of questions in so many orders, played by a reader
that copies (`benchmarks.copying_reader`) with the policies of --policies: what one order of the tasks discovers early
decides the rest of it. Bar: 93 to 97 % of comparisons with a verdict are covered. Streams are kept under --out.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.copying_reader.coverage import EvaluationSize, print_learning_coverage
from benchmarks.copying_reader.stream import FEEDBACK, Rules
from memento.evals.statistics.comparison import Differences, judged
from memento.memory.stats import RESAMPLES, Floats, Interval, macro_interval, mean_interval

BAR = (0.93, 0.97)
N_BAR = 400
EFFECT = 0.05
OUT = Path(__file__).parent.parent / "out" / "bootstrap_coverage"
SOURCE_SHARES = (0.3, 0.2, 0.15, 0.15, 0.1, 0.05, 0.05)
_Z = 1.959964


class Setting(NamedTuple):
    """What is simulated."""

    n: int
    """Questions."""
    n_seeds: int
    base: float
    """Mean success of the control arm."""
    effect: float
    is_alike: bool

    @property
    def name(self) -> str:
        """For the table."""
        kind = "alike" if self.is_alike else "apart"
        return f"n={self.n:<4d} seeds={self.n_seeds} base={self.base} effect={self.effect:+.2f} {kind}"


class Trial(NamedTuple):
    """One simulated comparison."""

    setting: Setting
    is_covered: bool
    is_covered_by_percentile: bool
    is_shown: bool
    """A difference was shown, whichever way."""
    is_right: bool
    """A difference was shown that is there, the right way round."""
    is_arm_covered: bool
    """The control arm's own accuracy."""
    width: float


def settings() -> list[Setting]:
    """Every combination."""
    sizes: product[tuple[int, int, float, bool]] = product((30, 100, 300), (1, 3), (0.1, 0.5, 0.9), (True, False))
    return [
        Setting(n, n_seeds, base, effect, is_alike)
        for n, n_seeds, base, is_alike in sizes
        for effect in (0.0, -EFFECT if base > 0.5 else EFFECT)
    ]


def arms(setting: Setting, rng: np.random.Generator, *, n: int | None = None) -> tuple[Floats, Floats]:
    """Control and arm: each question's mean over seeds, shape (Q,)."""
    n, base, effect = n or setting.n, setting.base, setting.effect
    correlation, share = (0.6, 0.5) if setting.is_alike else (0.2, 0.0)
    concentration = (1 - correlation) / correlation
    p = rng.beta(base * concentration, (1 - base) * concentration, size=(n, 1))
    other = p + effect * (1 - p) / (1 - base) if effect > 0 else p * (1 + effect / base)
    luck, fresh = rng.random((n, setting.n_seeds)), rng.random((n, setting.n_seeds))
    same = rng.random((n, setting.n_seeds)) < share
    return (luck < p).mean(axis=1), (np.where(same, luck, fresh) < other).mean(axis=1)


def trial(setting: Setting, rng: np.random.Generator) -> Trial:
    """Simulate an evaluation and judge it."""
    control, arm = arms(setting, rng)
    paired = differences_of(arm - control, ["" for _ in arm], setting.n_seeds)
    found = judged(paired, names=("arm", "control"), seed=int(rng.integers(2**31))).weighted
    plain = percentile(paired.value_Q, rng)
    alone = mean_interval(control, seed=int(rng.integers(2**31)))
    return Trial(
        setting,
        covers(found, setting.effect),
        covers(plain, setting.effect),
        found.excludes_zero,
        found.low > 0 if setting.effect > 0 else found.high < 0 and setting.effect < 0,
        covers(alone, setting.base),
        found.high - found.low,
    )


def differences_of(value_Q: Floats, sources: list[str], n_seeds: int) -> Differences:
    """As if they came from results."""
    return Differences([str(row) for row in range(len(value_Q))], sources, value_Q, n_seeds * len(value_Q), 0, 0)


def macro_trial(n: int, rng: np.random.Generator) -> tuple[bool, bool]:
    """Whether the macro interval of a difference, and that of one arm's accuracy, cover the truth."""
    sizes = [max(2, round(share * n)) for share in SOURCE_SHARES]
    bases, effects = np.linspace(0.2, 0.8, len(sizes)), np.linspace(-0.05, 0.15, len(sizes))
    parts = [
        arms(Setting(size, 1, float(base), float(effect), is_alike=True), rng)
        for size, base, effect in zip(sizes, bases, effects, strict=True)
    ]
    sources = [str(place) for place, size in enumerate(sizes) for _ in range(size)]
    control = np.concatenate([part[0] for part in parts])
    paired = differences_of(np.concatenate([part[1] for part in parts]) - control, sources, 1)
    found = judged(paired, names=("arm", "control"), seed=int(rng.integers(2**31))).macro
    alone = macro_interval(control, sources, seed=int(rng.integers(2**31)))
    return covers(found, float(effects.mean())), covers(alone, float(bases.mean()))


def percentile(value_Q: Floats, rng: np.random.Generator) -> Interval:
    """The textbook's bootstrap of a mean."""
    drawn = value_Q[rng.integers(len(value_Q), size=(RESAMPLES, len(value_Q)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(value_Q.mean()), float(low), float(high))


def covers(found: Interval, truth: float) -> bool:
    """Whether the truth lies inside."""
    return found.low <= truth <= found.high


def promised_power(setting: Setting, rng: np.random.Generator) -> float:
    """By the formula of `power_of`, with the true spread of differences."""
    control, arm = arms(setting, rng, n=200_000)
    standard_error = float((arm - control).std()) / math.sqrt(setting.n)
    return 0.5 * math.erfc((_Z - abs(setting.effect) / standard_error) / math.sqrt(2))


def rate(hits: Sequence[bool]) -> Interval:
    """With the binomial interval of the simulation itself."""
    return mean_interval(np.asarray(hits, np.float64))


def speed(rng: np.random.Generator) -> float:
    """Processor seconds for the interval of 10,000 questions, no two alike, from 1,000 resamples; median of five."""
    value_Q, taken = rng.random(10_000), []
    for _ in range(5):
        start = time.process_time()
        mean_interval(value_Q, n=1000)
        taken.append(time.process_time() - start)
    return float(np.median(taken))


def tables(trials: Sequence[Trial], rng: np.random.Generator) -> Iterator[tuple[str, dict[str, str]]]:
    """A row per setting."""
    for setting in settings():
        mine = [one for one in trials if one.setting == setting]
        row = {
            "covered": str(rate([one.is_covered for one in mine])),
            "percentile": f"{np.mean([one.is_covered_by_percentile for one in mine]):.3f}",
            "one arm": f"{np.mean([one.is_arm_covered for one in mine]):.3f}",
            "width": f"{np.mean([one.width for one in mine]):.3f}",
        }
        if setting.effect:
            shown = np.mean([one.is_right for one in mine])
            row["power"] = f"{shown:.2f} (formula {promised_power(setting, rng):.2f})"
        else:
            row["false alarms"] = f"{np.mean([one.is_shown for one in mine]):.3f}"
        yield setting.name, row


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=N_BAR, help="comparisons per setting")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learning", action="store_true", help="arms with a memory, and orders of the tasks")
    parser.add_argument("--policies", nargs=2, default=["similarity_reward", "similarity"], metavar="NAME")
    parser.add_argument("--feedback", choices=FEEDBACK, default="reward")
    parser.add_argument("--sets", type=int, default=120, help="sets of questions that are drawn")
    parser.add_argument("--questions", type=int, default=100, help="of a set")
    parser.add_argument("--jobs", type=int, default=2, help="processes that play streams")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="where streams are kept")
    options = parser.parse_args(arguments)
    if options.learning:
        size, rules = EvaluationSize(options.sets, options.questions), Rules(options.feedback)
        first, second = options.policies
        where = {"folder": options.out, "jobs": options.jobs, "seed": options.seed}
        return print_learning_coverage((first, second), rules, size, BAR, **where)
    rng, start = np.random.default_rng(options.seed), time.perf_counter()
    every = settings()
    trials = [trial(every[turn % len(every)], rng) for turn in range(options.n * len(every))]
    for name, row in tables(trials, rng):
        print(name, json.dumps(row), flush=True)
    for n in (70, 300):
        paired, alone = zip(*(macro_trial(n, rng) for _ in range(options.n)), strict=True)
        print(f"macro, 7 sources, n={n}", json.dumps({"covered": str(rate(paired)), "one arm": str(rate(alone))}))
    nulls = [one for one in trials if not one.setting.effect]
    bar, null_bar = trials[:N_BAR], nulls[:N_BAR]
    covered = rate([one.is_covered for one in bar])
    quiet = rate([not one.is_shown for one in null_bar])
    summary = {
        "covered, all settings": str(rate([one.is_covered for one in trials])),
        "percentile bootstrap, all settings": str(rate([one.is_covered_by_percentile for one in trials])),
        "one arm, all settings": str(rate([one.is_arm_covered for one in trials])),
        "false alarms, all nulls": str(rate([one.is_shown for one in nulls])),
        f"BAR: covered of the first {N_BAR}": str(covered),
        f"BAR: 'no difference' of the first {N_BAR} nulls": str(quiet),
        "10,000 questions x 1,000 resamples, processor seconds": round(speed(rng), 3),
        "seed": options.seed,
        "seconds": round(time.perf_counter() - start),
    }
    print(json.dumps(summary, indent=2))
    return 0 if BAR[0] <= covered.value <= BAR[1] and quiet.value >= BAR[0] else 1


if __name__ == "__main__":
    sys.exit(main())
