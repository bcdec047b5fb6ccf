"""Corrected decisions: Holm's rule, evidence that holds at any time, and levels spent over repeated judgements."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from memento.memory.stats import (
    Interval,
    chosen_by_evidence,
    harm_evidence,
    holm,
    student_t,
    tail_at_look,
    two_sided_p,
    widened,
)
from memento.memory.stats.interval import TAIL

PRIOR_SD = 0.5
NOISE_SD = 2.5
"""Of one outcome, in logits: about that of a success rate of one half."""


class Believed:
    """Posterior of N effects whose outcomes arrive one by one: a normal prior and normal noise."""

    def __init__(self, truth_N: NDArray[np.float64], *, seed: int) -> None:
        self._truth_N, self._rng = truth_N, np.random.default_rng(seed)
        self._sum_N, self._uses = np.zeros(len(truth_N)), 0

    def serve(self, uses: int) -> None:
        noise_N = self._rng.normal(0, NOISE_SD * math.sqrt(uses), len(self._truth_N))
        self._sum_N, self._uses = self._sum_N + uses * self._truth_N + noise_N, self._uses + uses

    def retired(self) -> NDArray[np.bool_]:
        effect_N, sd_N = self.posterior()
        return chosen_by_evidence(harm_evidence(effect_N, sd_N), share=0.05)

    def posterior(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        precision = self._uses / NOISE_SD**2 + PRIOR_SD**-2
        return self._sum_N / NOISE_SD**2 / precision, np.full(len(self._sum_N), precision**-0.5)


@pytest.mark.parametrize("seed", range(3))
def test_no_inert_case_of_500_is_chosen_in_100_looks(seed: int) -> None:
    """Uncorrected intervals would take about 7 of them at the end, and ten times as many on the way."""
    believed, by_interval = Believed(np.zeros(500), seed=seed), np.zeros(500, np.bool_)
    for _ in range(100):
        believed.serve(4)
        assert not believed.retired().any()
        effect_N, sd_N = believed.posterior()
        by_interval |= effect_N + 1.96 * sd_N < 0
    assert by_interval.sum() > 20


@pytest.mark.parametrize("seed", range(3))
def test_harmful_cases_are_chosen_among_inert_ones_with_few_mistakes(seed: int) -> None:
    truth_N = np.where(np.arange(500) < 50, -1.0, 0.0)
    believed = Believed(truth_N, seed=seed)
    believed.serve(200)
    chosen_N = believed.retired()
    assert chosen_N[:50].mean() > 0.8
    assert chosen_N[50:].sum() <= 0.1 * chosen_N.sum()


def test_evidence_of_harm_has_a_mean_of_at_most_one_where_there_is_none() -> None:
    believed = Believed(np.zeros(20_000), seed=0)
    believed.serve(60)
    evidence_N = harm_evidence(*believed.posterior())
    assert evidence_N.mean() < 1
    assert (evidence_N > 20).mean() < 1 / 20


def test_evidence_is_small_for_what_helps_and_finite_for_what_harms_beyond_doubt() -> None:
    evidence_N = harm_evidence([3.0, 0.0, -3.0, -90.0], [0.5, 0.5, 0.5, 0.1])
    assert (np.diff(evidence_N) > 0).all()
    assert evidence_N[0] < 0.1
    assert np.isfinite(evidence_N).all()
    assert harm_evidence([], []).shape == (0,)


def test_the_share_decides_how_much_evidence_is_asked() -> None:
    evidence = [30.0, 15.0, 1.0, 0.5]
    assert chosen_by_evidence(evidence, share=0.1).tolist() == [False] * 4  # 40 for one, 20 for each of two
    assert chosen_by_evidence([*evidence[:1], 20.0, 1.0, 0.5], share=0.1).tolist() == [True, True, False, False]
    assert chosen_by_evidence(evidence, share=0.3).tolist() == [True, True, False, False]
    assert chosen_by_evidence([], share=0.1).shape == (0,)


def test_holm_counts_comparisons_that_were_made() -> None:
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.9]).tolist() == pytest.approx([1.0, 1.0])
    assert holm([]).shape == (0,)
    assert holm([0.02, float("nan"), 0.9])[[0, 2]].tolist() == pytest.approx([0.04, 0.9])
    assert math.isnan(holm([float("nan")])[0])


@pytest.mark.parametrize("freedom", [8.0, 40.0, 1e6])
def test_the_p_value_is_one_twentieth_where_the_interval_ends_at_zero(freedom: float) -> None:
    assert two_sided_p(student_t(freedom), 1.0, freedom) == pytest.approx(0.05)
    assert two_sided_p(-student_t(freedom, tail=1e-4), 1.0, freedom) == pytest.approx(2e-4)
    assert two_sided_p(0.0, 1.0, freedom) == pytest.approx(1.0)
    assert math.isnan(two_sided_p(1.0, 0.0, freedom))


def test_levels_of_all_looks_add_up_to_that_of_one_interval() -> None:
    tails = [tail_at_look(look) for look in range(1, 1000)]
    assert sum(tails) == pytest.approx(TAIL, rel=2e-3)
    assert tails == sorted(tails, reverse=True)


def test_a_wider_interval_goes_out_on_both_sides_in_proportion() -> None:
    figure = Interval(1.0, 0.0, 4.0)
    wide = widened(figure, tail=0.0005)
    assert (1 - wide.low) / 1.0 == pytest.approx((wide.high - 1) / 3.0) == pytest.approx(3.2905 / 1.95996, rel=1e-3)
    assert widened(figure, tail=TAIL) == pytest.approx(figure)
