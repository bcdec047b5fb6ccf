"""The player that copies walkthroughs: it wins what the cases shown are like, and is shown none that failed."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.copying_reader.game_cells import GameTask, kept_games, loaded_games
from benchmarks.copying_reader.game_stream import ALONE, Games, GamesPlayed, chance, play_games
from benchmarks.copying_reader.games import game_tables, main
from benchmarks.worlds.contestants import make_contestant
from memento.evals.environments.subject import WALKTHROUGH
from memento.evals.task import EvalTask

KINDS = list(ALONE)
SIMILAR = make_contestant("similarity", dim=384, seed=0)
WALK = ["open fridge", "take apple", "eat apple"]


def games(n: int = 40, *, dim: int = 384) -> Games:
    """Tasks of four games, near their own kind; the actions of a game are its own."""
    rng = np.random.default_rng(0)
    kind_Q = np.arange(n) % len(KINDS)
    state_QD = np.eye(len(KINDS), dim)[kind_Q] + 0.01 * rng.normal(size=(n, dim))
    walks = [[f"begin {kind}", f"go on {kind}", f"end {task % 8}"] for task, kind in enumerate(kind_Q)]
    unit_QD = (state_QD / np.linalg.norm(state_QD, axis=1, keepdims=True)).astype(np.float32)
    return Games([KINDS[kind] for kind in kind_Q], walks, unit_QD)


def played(policy: str, *, order: int = 0) -> GamesPlayed:
    return play_games(games(), make_contestant(policy, dim=384, seed=order), order=order, gain=0.9)


def test_a_game_is_won_the_likelier_the_more_its_walkthrough_has_in_common_with_those_shown() -> None:
    alone, stranger, half, same = (
        chance("coin", WALK, shown, gain=0.9)
        for shown in ([], [["go north"]], [["open fridge", "take pear", "eat pear"]], [WALK])
    )
    assert alone == ALONE["coin"]
    assert stranger < alone < same
    assert stranger < half < same < 1


def test_actions_in_another_order_have_less_in_common() -> None:
    assert chance("coin", WALK, [WALK[::-1]], gain=0.9) < chance("coin", WALK, [WALK], gain=0.9)


def test_a_stream_is_the_same_whenever_it_is_played() -> None:
    assert (played("advantage").chance_T == played("advantage").chance_T).all()
    assert (played("advantage").chance_T != played("advantage", order=1).chance_T).any()


def test_cases_of_the_same_game_help_and_random_ones_less() -> None:
    near, random, none = played("similarity"), played("random"), played("none")
    assert near.chance_T.mean() > random.chance_T.mean() > none.chance_T.mean()
    assert near.n_same_game_T.sum() > random.n_same_game_T.sum() > 0
    assert not none.n_shown_T.any()


def test_no_failed_case_is_shown() -> None:
    """The first task brings one that worked, its attempt or its correction; no second task is shown more."""
    assert played("similarity").n_shown_T[:3].tolist() == [0, 1, 2]


def described(n: int = 16) -> list[EvalTask]:
    walks = [f"begin {KINDS[task % 4]}\nend {task % 8}" for task in range(n)]
    sources = [KINDS[task % 4] for task in range(n)]
    return [
        EvalTask(
            id=f"g{task}", question=f"You play {source}, game {task}.", source=source, metadata={WALKTHROUGH: walk}
        )
        for task, (source, walk) in enumerate(zip(sources, walks, strict=True))
    ]


def test_games_are_encoded_once_and_named_by_what_they_are(tmp_path: Path) -> None:
    path = kept_games(described(), tmp_path)
    written = path.stat().st_mtime_ns
    assert kept_games(described(), tmp_path) == path
    assert path.stat().st_mtime_ns == written
    assert kept_games(described(12), tmp_path) != path
    told = loaded_games(path)
    assert told.game[:4] == KINDS
    assert told.walk[5] == ["begin twc", "end 5"]
    assert np.linalg.norm(told.state_QD, axis=1) == pytest.approx(np.ones(16), abs=1e-5)


def test_a_stream_is_played_once_and_again_when_it_is_damaged(tmp_path: Path) -> None:
    task = GameTask(kept_games(described(), tmp_path), "similarity", order=0, gain=0.9)
    assert not task.is_kept(tmp_path)
    task.run(tmp_path)
    played = task.load(tmp_path)
    assert played is not None
    assert (played.chance_T == play_games(loaded_games(task.games), SIMILAR, order=0, gain=0.9).chance_T).all()
    assert not GameTask(task.games, "similarity", order=0, gain=0.5).is_kept(tmp_path)
    kept = task.path(tmp_path)
    kept.write_text(kept.read_text("utf-8")[:-9], "utf-8")
    assert not task.is_kept(tmp_path)


def test_tables_compare_on_the_same_orders() -> None:
    policies, orders = ["similarity", "none"], range(2)
    streams = {(policy, order): played(policy, order=order) for policy in policies for order in orders}
    streams["none", 2] = streams["none", 0]  # of an order that only one of them has played
    told = game_tables(streams, policies, against="none")
    assert "2 orders" in told
    assert "similarity - none" in told
    gain = np.mean([(streams["similarity", one].chance_T - streams["none", one].chance_T).mean() for one in orders])
    assert f"{gain:+.3f} [" in told


@pytest.mark.parametrize(
    "wrong", [["--orders", "0"], ["--tasks", "3"], ["--against", "kernel"], ["--policies", "nosuch"]]
)
def test_what_cannot_be_played_is_said(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(wrong)
    assert "error:" in capsys.readouterr().err
