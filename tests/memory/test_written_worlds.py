"""Worlds with written-back cases: what they claim of actions, texts, corrections and confidence is so."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.worlds.__main__ import main
from benchmarks.worlds.bank import WrittenBank
from benchmarks.worlds.contestants import Contestant, make_contestant
from benchmarks.worlds.drawn import Drawn, draw
from benchmarks.worlds.settings import WORLDS, WrittenWorld
from benchmarks.worlds.stream import Played, play_world
from memento.memory.errors import InvalidInput, UnknownPolicy
from memento.memory.estimators.advantage import Advantage
from memento.memory.estimators.port import Estimator, Example
from memento.memory.policies.advantage import AdvantagePolicy
from memento.memory.policies.port import RetrievalPolicy

STEPS = 80


class Listening(Advantage):
    """Remembers what it is told."""

    def __init__(self, *, dim: int) -> None:
        super().__init__(dim=dim)
        self.told: list[Example] = []
        self.withdrawn: list[str] = []

    def learn(self, example: Example) -> None:
        self.told.append(example)
        super().learn(example)

    def withdraw(self, event_id: str) -> bool:
        self.withdrawn.append(event_id)
        return super().withdraw(event_id)


def listening(*, dim: int, seed: int) -> tuple[RetrievalPolicy, Estimator]:
    del seed
    return AdvantagePolicy(), Listening(dim=dim)


def listened(world: WrittenWorld, steps: int = STEPS) -> tuple[Drawn, Played, Listening]:
    drawn, estimator = draw(world, 1, steps), Listening(dim=world.dim)
    return drawn, play_world(drawn, Contestant(AdvantagePolicy(), estimator, ()), seed=1), estimator


def played(name: str, policy: str, *, steps: int = STEPS, seed: int = 1) -> Played:
    world = WORLDS[name]
    return play_world(draw(world, seed, steps), make_contestant(policy, dim=world.dim, seed=seed), seed=seed)


def vectors(drawn: Drawn, actions: Sequence[int]) -> np.ndarray[Any, Any]:
    return np.array([drawn.action_vector(step, np.array([action])) for step, action in enumerate(actions)])


@pytest.mark.parametrize("world", ["base", "plans", "corrections"])
def test_a_play_is_the_same_when_the_seed_is(world: str) -> None:
    for policy in ("random", "advantage"):
        first, second = played(world, policy, steps=20), played(world, policy, steps=20)
        assert np.array_equal(first.chance_T, second.chance_T)
        assert not np.array_equal(first.chance_T, played(world, policy, steps=20, seed=2).chance_T)


def test_without_memory_rewards_come_as_often_as_chances_say() -> None:
    alone = played("base", "none", steps=1500)
    assert (alone.n_served_T == 0).all()
    assert alone.reward_T.mean() == pytest.approx(alone.chance_T.mean(), abs=0.05)
    assert played("rare_success", "none", steps=600).chance_T.mean() == pytest.approx(0.04, abs=0.02)


def test_a_case_has_the_action_and_reward_of_its_task_and_comes_after_it() -> None:
    _, result, estimator = listened(WORLDS["base"])
    for step, example in enumerate(estimator.told):
        served = [int(case.removeprefix("case ")) for case in example.cases.ids]
        assert all(case < step for case in served)
        assert example.cases.reward_N.tolist() == [result.reward_T[case] for case in served]
        assert example.reward == result.reward_T[step]
    assert result.n_served_T[0] == 0
    assert result.n_served_T.max() == 4


def test_unknown_outcomes_are_never_told_and_wrong_ones_are_settled_by_their_event() -> None:
    world = replace(WORLDS["corrections"], correction_delay=10)
    drawn, result, estimator = listened(world, 100)
    told: dict[str, list[float]] = {}
    for example in estimator.told:
        told.setdefault(example.event_id, []).append(example.reward)
    assert len(told) == drawn.is_known_T.sum() < 80
    for step in range(90):
        rewards, true = told.get(f"event {step}"), result.reward_T[step]
        if not drawn.is_known_T[step]:
            assert rewards is None
        elif not drawn.is_wrong_T[step]:
            assert rewards == [true]
        elif drawn.is_withdrawn_T[step]:
            assert rewards == [1 - true]
            assert f"event {step}" in estimator.withdrawn
            assert all(f"case {step}" not in example.cases.ids for example in estimator.told[-10:])
        else:
            assert rewards == [1 - true, true]
    offsets = [example.offset for example in estimator.told]
    assert offsets == sorted(set(offsets))


def test_graded_rewards_are_quarters_and_flips_are_told_with_less_confidence() -> None:
    drawn, result, estimator = listened(WORLDS["graded"], 100)
    assert set(result.reward_T) == {0.0, 0.25, 0.5, 0.75, 1.0}
    for step, example in enumerate(estimator.told):
        is_flipped = drawn.is_flipped_T[step]
        assert example.reward == (1 - result.reward_T[step] if is_flipped else result.reward_T[step])
        assert (0.5 <= example.confidence < 0.66) if is_flipped else example.confidence >= 0.85


def test_texts_of_a_recipe_are_near_one_another_and_misleading_ones_are_not() -> None:
    drawn, misled = (draw(WORLDS[name], 3, 200) for name in ("recipes", "misleading_texts"))
    same, other = vectors(drawn, [0] * 200), vectors(drawn, [1] * 200)
    assert (same[:100] @ same[100:].T).mean() > 0.5 > 0.3 > (same @ other.T).mean()
    same, opposite = vectors(misled, [0] * 200), vectors(misled, [1] * 200)
    assert (same[:100] @ same[100:].T).mean() == pytest.approx((same[:100] @ opposite[100:].T).mean(), abs=0.06)
    assert np.array_equal(misled.fit_PV[:, 1], -misled.fit_PV[:, 0])


def test_lines_of_plans_recur_and_whole_plans_seldom_do() -> None:
    drawn, steps = draw(WORLDS["plans"], 4, STEPS), range(STEPS)
    plans = [drawn.action_text(step, drawn.guess_TL[step]) for step in steps]
    assert len(set(plans)) > 0.95 * STEPS
    assert len({line for plan in plans for line in plan}) == WORLDS["plans"].vocabulary
    unique = draw(WORLDS["recipes"], 4, STEPS)
    assert len({unique.action_text(step, np.array([0])) for step in steps}) == STEPS


def test_rows_tell_actions_apart_by_their_whole_text() -> None:
    drawn = draw(WORLDS["base"], 5, STEPS)
    bank = WrittenBank(drawn)
    for step, action in enumerate([3, 4, 3]):
        bank.write(step, np.array([action]), 1.0)
    bank.retire(1)
    assert bank.active().tolist() == [0, 2]
    rows = bank.rows(np.array([0, 1, 2]), np.zeros(3, np.float32))
    assert rows.actions[0] == rows.actions[2] != rows.actions[1]
    assert np.allclose(np.linalg.norm(rows.vectors["text"], axis=1), 1)
    assert np.array_equal(rows.vectors["action"][0], rows.vectors["action"][2])


def test_topics_keep_arriving() -> None:
    topic_T = draw(WORLDS["new_topics"], 6, 600).topic_T
    parts = np.split(topic_T, 3)
    new = [set(part) - set(topic_T[:start]) for start, part in zip((0, 200, 400), parts, strict=True)]
    assert all(len(part) >= 12 for part in new)


def test_following_good_actions_pays() -> None:
    for world in ("recipes", "plans"):
        good, alone = (played(world, policy, steps=400).chance_T.mean() for policy in ("similarity_reward", "none"))
        assert good > alone + 0.05


def test_a_contestant_is_a_policy_with_settings_or_ones_own() -> None:
    changed = make_contestant("advantage:landmarks=8,actions=4", dim=4, seed=0)
    assert changed.estimator is not None
    assert changed.estimator.stamp()["made_as"]["landmarks"] == 8
    own = make_contestant(f"{__name__}:listening", dim=4, seed=0)
    assert isinstance(own.estimator, Listening)
    assert __name__ in own.modules
    with pytest.raises(InvalidInput, match="no setting 'colour'"):
        make_contestant("advantage:colour=1", dim=4, seed=0)
    with pytest.raises(InvalidInput, match="has no estimator"):
        make_contestant("similarity:landmarks=8", dim=4, seed=0)
    with pytest.raises(UnknownPolicy):
        make_contestant("magic", dim=4, seed=0)


def test_worlds_are_refused_when_they_cannot_be() -> None:
    for wrong in ({"unknown_share": 1.5}, {"vocabulary": 1}, {"action_text": "rhymed"}, {"n_topics": 2}):
        with pytest.raises(ValueError, match=r"must be|vocabulary|action_text"):
            WrittenWorld(**wrong)  # type: ignore[arg-type]


def test_finished_cells_stay_and_both_checkouts_are_tabulated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--worlds", "base", "--policies", "none", "similarity_reward", "--seeds", "0-2", "--steps", "60"]
    few += ["--judge", "similarity_reward", "--jobs", "1", "--out", str(tmp_path)]
    with pytest.raises(SystemExit) as ended:
        main([*few, "--json", "--bar"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["against"] == "none"
    assert ended.value.code == (lines[-1]["margin"]["value"] <= 0 or lines[-1]["margin_thirds"][0]["value"] < -0.01)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    (tmp_path / "base.none.1.json").unlink()
    with pytest.raises(SystemExit):
        main([*few, "--beside", f"then={tmp_path}", "--against", "similarity_reward@then"])
    text = capsys.readouterr().out
    assert "similarity_reward@then" in text
    assert "+0.000 [+0.000, +0.000]" in text
    after = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    assert {path.name for path in before if after[path] != before[path]} == {"base.none.1.json"}
