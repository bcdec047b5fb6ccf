"""The best of all served cases are found without looking at each; sums of cases are what was counted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from memento.memory.estimators.exposures import Exposures
from memento.memory.estimators.like_cases import LikeCases, ValuedCases, Weighting
from memento.memory.estimators.sparse_rows import SparseRows

NOTHING = ValuedCases(np.empty(0, np.int64), np.empty(0))


def made_groups(chance: np.random.Generator, n: int, n_groups: int, *, most: int) -> NDArray[np.float32]:
    """Shares of a few groups each; some whole, some split, some in none."""
    share_NG = np.zeros((n, n_groups), np.float32)
    for share_G in share_NG:
        groups = chance.choice(n_groups, chance.integers(0, most + 1), replace=False)
        share_G[groups] = chance.choice([0.1, 0.25, 0.5, 1.0], len(groups)) if chance.random() < 0.5 else 1.0
        if chance.random() < 0.3:
            share_G[groups] = chance.random(len(groups))
    return share_NG


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 300), st.sampled_from([3, 40, 300]), st.integers(1, 40))
def test_the_best_are_those_of_a_full_scan(seed: int, n_cases: int, n_groups: int, n: int) -> None:
    chance = np.random.default_rng(seed)
    group, row_N = SparseRows(n_columns=n_groups), np.arange(n_cases)
    group.grow(n_cases)
    alike, reward_N = LikeCases(group), np.zeros(n_cases, np.float32)
    for _ in range(3):  # cases move from one kind to another as they are served again
        row_C = row_N if not reward_N.any() else chance.choice(n_cases, chance.integers(1, n_cases + 1), replace=False)
        group.put(row_C, made_groups(chance, len(row_C), n_groups, most=min(6, n_groups)))
        reward_N[row_C] = chance.choice([0.0, 0.3, 1.0], len(row_C))
        alike.put(row_C, reward_N[row_C])
        value_G = chance.normal(size=n_groups) * (chance.random(n_groups) < chance.choice([0.0, 0.2, 1.0]))
        base, of_reward = chance.normal(size=2) * chance.choice([0.0, 1.0])
        weighting = Weighting(float(base), float(of_reward), value_G.astype(np.float32))
        own_C = np.flatnonzero(chance.random(n_cases) < 0.2)  # these are worth something by themselves, too
        found = ValuedCases(own_C, alike.values(own_C, weighting, reward_N[own_C]) + chance.normal(size=len(own_C)))
        best = alike.best(weighting, reward_N, found, n=n, is_left_out=lambda rows, own_C=own_C: np.isin(rows, own_C))  # type: ignore[misc]
        value_N = alike.values(row_N, weighting, reward_N)
        value_N[own_C] = found.value_C
        whole = ValuedCases(row_N, value_N).largest(n)
        assert best.row_C.tolist() == whole.row_C.tolist()
        assert best.value_C.tolist() == whole.value_C.tolist()


def test_a_search_looks_at_few_of_many_cases() -> None:
    chance, n, n_groups = np.random.default_rng(0), 20_000, 48
    group = SparseRows(n_columns=n_groups)
    group.grow(n)
    share_NG = np.zeros((n, n_groups), np.float32)
    share_NG[np.arange(n), chance.integers(32, size=n)] = 1.0
    share_NG[np.arange(n), 32 + chance.integers(16, size=n)] = 1.0
    group.put(np.arange(n), share_NG)
    alike, reward_N, looked = LikeCases(group), chance.integers(2, size=n).astype(np.float32), list[int]()
    alike.put(np.arange(n), reward_N)

    def left_out(row_C: NDArray[np.int64]) -> NDArray[np.bool_]:
        looked.extend(row_C.tolist())
        return np.zeros(len(row_C), np.bool_)

    weighting = Weighting(0.1, 0.2, chance.normal(size=n_groups).astype(np.float32))
    best = alike.best(weighting, reward_N, NOTHING, n=16, is_left_out=left_out)
    assert best.row_C.tolist() == ValuedCases(np.arange(n), alike.values(np.arange(n), weighting, reward_N)).largest(
        16
    ).row_C.tolist()  # fmt: skip
    assert len(looked) < n / 50


def test_rows_are_what_was_put_last() -> None:
    chance, rows = np.random.default_rng(0), SparseRows(n_columns=9)
    rows.grow(30)
    kept_NG = np.zeros((30, 9), np.float32)
    for _ in range(200):
        row_C = chance.choice(30, 3, replace=False)
        value_CG = made_groups(chance, 3, 9, most=9)
        rows.put(row_C, value_CG)
        kept_NG[row_C] = value_CG
        scaled = int(chance.integers(30))
        factor = float(chance.choice([0.0, 0.5]))
        rows.scale(scaled, factor)
        kept_NG[scaled] *= np.float32(factor)
    asked = np.array([4, 4, 29, 0])
    assert (rows.dense(asked) == kept_NG[asked]).all()
    weight_G = chance.normal(size=9).astype(np.float32)
    assert rows.products(asked, weight_G) == pytest.approx(kept_NG[asked] @ weight_G, abs=1e-5)
    restored = SparseRows(n_columns=9)
    restored.restore(rows.tensors(30))
    assert (restored.dense(np.arange(30)) == kept_NG).all()


@pytest.mark.parametrize("spoilt", [{"column": [9]}, {"column": [-1]}, {"value": [1.0, 2.0]}, {"size": [2]}])
def test_rows_that_do_not_fit_are_refused(spoilt: dict[str, list[float]]) -> None:
    whole = {"size": np.ones(1, np.int32), "column": np.zeros(1, np.int16), "value": np.ones(1, np.float32)}
    with pytest.raises(ValueError, match=r"differ in number|does not exist"):
        SparseRows(n_columns=9).restore(whole | {name: np.array(value) for name, value in spoilt.items()})


def test_a_case_served_twice_in_one_event_is_counted_twice() -> None:
    exposures = Exposures(n_landmarks=3, n_groups=4)
    row_C = exposures.added(["a", "b", "a"])
    group_CG = np.eye(4, dtype=np.float32)[[0, 1, 2]]
    told = {name: np.array([0.2, 0.4, 0.6], np.float32) for name in ("similarity_C", "reward_C", "support_C")}
    exposures.count(row_C, task_L=np.array([0, 1, 0], np.float32), group_CG=group_CG, **told)
    averages = exposures.averages(np.array([0, 1]))
    assert averages.n_C.tolist() == [2, 1]
    assert averages.weight_C4[:, 1] == pytest.approx([0.4, 0.4])
    assert averages.weight_C4[:, 2] == pytest.approx([0.6, 0.4])
    assert averages.task_CL.tolist() == [[0, 1, 0], [0, 1, 0]]
    assert averages.group_CG.argmax(axis=1).tolist() == [2, 1]
