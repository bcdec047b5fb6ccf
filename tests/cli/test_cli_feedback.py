"""`memento feedback`: late knowledge about a run."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.commands import assistant, invoke, serving

pytestmark = pytest.mark.allow_blocking("a command has its event loop to itself")

TASK = "What is six times seven?"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A run whose reward is not known."""
    with serving(assistant()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("MEMENTO_ENCODER", "openai:stub")
        last: dict[str, Any] = invoke("ask", TASK, "--json").lines[-1]
        assert (last["reward"], last["case_id"]) == (None, None)
        yield last


def test_a_run_becomes_a_case_when_its_reward_is_told_later(asked: dict[str, Any]) -> None:
    told = invoke("feedback", asked["event_id"], "0", "--lesson", "look at the units", "--json")
    assert told.code == 0
    case_id = told.lines[0]["case_id"]
    case = invoke("cases", "show", case_id, "--json").lines[0]
    assert (case["reward"], case["lesson"], case["state"]) == (0.0, "look at the units", TASK)
    again = invoke("feedback", asked["event_id"], "1", "--json").lines[0]
    assert again["case_id"] == case_id
    assert invoke("cases", "show", case_id, "--json").lines[0]["reward"] == 1.0
    assert invoke("cases", "stats", "--json").lines[0].items() >= {"cases": 1, "positive": 1, "unknown": 0}.items()


def test_the_right_plan_is_a_case_of_its_own_when_a_correction_is_given(asked: dict[str, Any]) -> None:
    told = invoke("feedback", asked["event_id"], "0", "--correction", "1. multiply")
    assert "now says 0; the correction is case " in told.out
    corrected = invoke("cases", "show", told.out.split()[-1], "--json").lines[0]
    assert (corrected["state"], corrected["action"], corrected["reward"]) == (TASK, "1. multiply", 1.0)


def test_the_case_is_served_no_more_when_its_reward_is_withdrawn(asked: dict[str, Any]) -> None:
    case_id = invoke("feedback", asked["event_id"], "1", "--json").lines[0]["case_id"]
    assert invoke("feedback", asked["event_id"], "unknown").code == 0
    assert invoke("cases", "show", case_id, "--json").lines[0]["status"] == "quarantined"


def test_bad_input_changes_nothing_when_event_or_reward_make_no_sense(asked: dict[str, Any]) -> None:
    for words, said in (
        (["nothere", "1"], "no event 'nothere'"),
        ([asked["event_id"], "7"], "between 0 and 1"),
        ([asked["event_id"], "good"], "a number from 0 to 1"),
        ([asked["event_id"], "1", "-n", "other"], "in namespace 'other'"),
    ):
        refused = invoke("feedback", *words)
        assert (refused.code, refused.out) == (2, "")
        assert said in refused.err
    assert invoke("cases", "stats", "--json").lines[0]["cases"] == 0
