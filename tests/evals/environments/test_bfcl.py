"""Conversations of BFCL, played for real; its child process starts in a third of a second."""

import json
from collections.abc import AsyncIterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from memento.evals.environments.bfcl import INSTALL, MAX_STEPS, N_QUESTIONS, RELEASE, VARIANTS, question_keys, split_of
from memento.evals.environments.pool import EnvironmentPool
from memento.evals.environments.port import SPLITS, OpenEnvironment
from memento.evals.environments.registry import find_environment, open_program
from memento.evals.environments.worlds.function_calls import NotACall, parse_call
from memento.nodes.acting.actor import Step
from memento.nodes.acting.environment import Observation
from memento.nodes.acting.trajectory import kept_actions
from tests.conftest import ROOT

needs_bfcl = pytest.mark.skipif(not find_spec("bfcl_eval"), reason=f"needs {INSTALL}")


@pytest.fixture
async def environment() -> AsyncIterator[OpenEnvironment]:
    async with EnvironmentPool([find_environment("bfcl")]) as pool, pool.lend("bfcl/") as lent:
        yield lent


@cache
def rows(name: str) -> list[dict[str, Any]]:
    import bfcl_eval

    text = (Path(str(bfcl_eval.__file__)).parent / "data" / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


async def played(environment: OpenEnvironment, key: str, actions: Sequence[str]) -> list[Observation]:
    return [await environment.reset(key), *[await environment.step(action) for action in actions]]


async def check_walkthrough(environment: OpenEnvironment, key: str) -> list[Observation]:
    """It wins with its last action, and a case of it keeps every action."""
    task = await environment.describe(key)
    first, *seen = await played(environment, key, task.walkthrough)
    assert task.text.endswith(f"\n\n{first.text}")
    assert [one.is_won for one in seen] == [False] * (len(seen) - 1) + [True], key
    assert [one.score == 1.0 for one in seen] == [one.is_won for one in seen], key
    steps = [Step(action, one) for action, one in zip(task.walkthrough, seen, strict=True)]
    assert kept_actions(first, steps) == list(task.walkthrough), key
    return [first, *seen]


@needs_bfcl
async def test_walkthroughs_win_and_show_the_same_in_two_processes(environment: OpenEnvironment) -> None:
    other = open_program("bfcl")
    try:
        await played(other, "bfcl/dev/long_context-2", ["ls(a=True)", "end_turn()"])
        for split in SPLITS:
            for key in question_keys(split)[:4]:
                assert await check_walkthrough(environment, key) == await check_walkthrough(other, key)
    finally:
        await other.close()


@pytest.mark.slow
@needs_bfcl
async def test_every_walkthrough_wins_within_the_limit(environment: OpenEnvironment) -> None:
    lengths = [len(await check_walkthrough(environment, key)) - 1 for split in SPLITS for key in question_keys(split)]
    assert len(lengths) == 800
    assert max(lengths) < MAX_STEPS


@pytest.mark.slow
@needs_bfcl
@pytest.mark.allow_blocking("runs the benchmark's checker in this process")
async def test_a_conversation_is_won_when_the_benchmarks_checker_says_so(environment: OpenEnvironment) -> None:
    from bfcl_eval.eval_checker.multi_turn_eval.multi_turn_checker import multi_turn_checker

    verdicts = []
    for place, key in enumerate(question_keys("dev")):
        variant, _, number = key.rpartition("/")[2].partition("-")
        question = rows(f"BFCL_v4_multi_turn_{variant}.json")[int(number)]
        expected = rows(f"possible_answer/BFCL_v4_multi_turn_{variant}.json")[int(number)]["ground_truth"]
        turns = [list(calls) for calls in expected]
        changed = [calls for calls in turns if calls][place % sum(map(bool, turns))]
        if place % 3 == 0:
            changed.pop()
        elif place % 3 == 1:
            changed.reverse()
        else:
            turns[-1].append(changed[0])
        seen = await played(environment, key, [one for calls in turns for one in (*calls, "end_turn()")])
        said = multi_turn_checker([[[one] for one in calls] for calls in turns], expected, question, "", key)
        assert seen[-1].is_won == said["valid"], key
        verdicts.append(said["valid"])
    assert set(verdicts) == {True, False}


@needs_bfcl
async def test_a_turn_that_fails_ends_the_episode_with_the_share_that_passed(environment: OpenEnvironment) -> None:
    key = "bfcl/train/base-17"
    actions = (await environment.describe(key)).walkthrough
    n_first = actions.index("end_turn()") + 1
    for wrong in (["end_turn()"], ["pwd()", "end_turn()"], ["mkdir(dir_name='new')", "end_turn()"]):
        *_, last, after = await played(environment, key, [*actions[:n_first], *wrong, "pwd()"])
        assert (last.score, last.is_over, last.is_won) == (1 / 3, True, False)
        assert after == last


@needs_bfcl
async def test_a_missing_function_is_offered_in_its_turn(environment: OpenEnvironment) -> None:
    first, then = await played(environment, "bfcl/train/miss_func-17", ["end_turn()"])
    assert "\nls(" not in first.text
    assert "\nls(a: bool=False): List the contents" in then.text
    assert (then.score, then.is_over) == (0.0, False)  # nothing could be done, so that nothing is credited


@needs_bfcl
async def test_what_cannot_be_run_is_answered_and_the_conversation_goes_on(environment: OpenEnvironment) -> None:
    texts = (
        "__import__('os')",
        "_load_scenario({})",
        "cd.__init__()",
        "Which folder do you mean?",
        "power(2, 1000000000)",
        "logarithm('1e999999999', 10, 5)",
        "mean(numbers='ab')",
        "ls(a=1, b=2)",
        "explain('__init__')",
    )
    _, *seen = await played(environment, "bfcl/test/base-15", texts)
    assert not any(one.is_over for one in seen)
    assert [one.text for one in seen if not one.text.strip()] == []
    assert "exponent must lie between" in seen[4].text
    assert "value must be a number" in seen[5].text
    again = await environment.step("explain(function='ls')")
    assert "- a: Show hidden files" in again.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "ls",
        "ls(); ls()",
        "ls()\nls()",
        "[ls(), ls()]",
        "os.system('ls')",
        "(lambda: 1)()",
        "cd(folder=open('x'))",
        "cd(folder=pwd())",
        "cd('a' * 1000000000)",
        "cd(f'{1}')",
        "cd(folder=name)",
        "cd(*['a'])",
        "cd(**{'folder': 'a'})",
        "cd(folder='a', folder='b')",
        "cd(b'a')",
        "cd({'a', 'b'})",
        "cd({[]: 1})",
        "add(1, 99999999999999999999)",
        "(" * 5_000,
        "ls(" + "-" * 15_000 + "1)",
        "cd('" + "a" * 20_000 + "')",
    ],
    ids=lambda text: repr(text[:20]),
)
def test_only_one_call_with_literals_is_a_call(text: str) -> None:
    with pytest.raises(NotACall, match=r"^(That|Each|Argument|An argument|A whole)"):
        parse_call(text)


def test_arguments_are_read_as_they_are_written() -> None:
    call = parse_call(" place(-1.5, 'it''s', tags=['a', {'b': (None, True)}], text='two\\nlines') ")
    assert call == ("place", [-1.5, "its"], {"tags": ["a", {"b": (None, True)}], "text": "two\nlines"})


def test_splits_share_no_question() -> None:
    keys = {split: question_keys(split) for split in SPLITS}
    numbers = {split: {key.rpartition("-")[2] for key in found} for split, found in keys.items()}
    assert {split: len(found) for split, found in keys.items()} == {"train": 404, "dev": 200, "test": 196}
    assert len({key.rpartition("/")[2] for found in keys.values() for key in found}) == N_QUESTIONS * len(VARIANTS)
    assert sum(map(len, numbers.values())) == len(set.union(*numbers.values())) == N_QUESTIONS
    assert {key.split("/")[2].partition("-")[0] for key in keys["dev"][:4]} == set(VARIANTS)


@needs_bfcl
@pytest.mark.allow_blocking("reads the questions in this process")
def test_splits_share_no_scenario_and_no_first_message() -> None:
    seen: dict[str, set[str]] = {}
    for variant in VARIANTS:
        for number, row in enumerate(rows(f"BFCL_v4_multi_turn_{variant}.json")):
            assert row["id"] == f"multi_turn_{variant}_{number}"
            for same in (json.dumps(row["initial_config"]), row["question"][0][0]["content"]):
                seen.setdefault(same, set()).add(split_of(number))
    assert {text: splits for text, splits in seen.items() if len(splits) > 1} == {}


def test_the_release_is_named_the_same_everywhere() -> None:
    for page in ("Makefile", "docs/environments.md"):
        assert f"bfcl-eval=={RELEASE}" in (ROOT / page).read_text(encoding="utf-8"), page
