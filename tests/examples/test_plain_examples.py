"""Examples that need neither a model nor a server: each prints what its lines say."""

from pathlib import Path

import pytest

from tests.example_runs import play_example

pytestmark = pytest.mark.slow


def test_late_feedback_counts_once_replaces_and_is_taken_back(tmp_path: Path) -> None:
    assert play_example("late_feedback", tmp_path).splitlines() == [
        "before:  0 outcomes, no case",
        "up:      200: case 'How many days of leave are left?', reward 1, active",
        "again:   200: case 'How many days of leave are left?', reward 1, active",
        "down:    200: case 'Who signs a travel request?', reward 0, active",
        "changed: 200: case 'Who signs a travel request?', reward 1, active",
        "undone:  200: case 'Who signs a travel request?', reward 1, quarantined",
        "unknown: 404: no event 'of-another-memory' in namespace 'default'",
        "lessons of the cases that are served: ['page 12 has the table']",
    ]


def test_second_episode_is_shorter_when_the_first_is_its_case(tmp_path: Path) -> None:
    assert play_example("act_in_an_environment", tmp_path).splitlines() == [
        "Leave the maze. done: score 1 after 5 steps",
        "Leave the maze again. done: score 1 after 3 steps",
    ]


def test_an_own_policy_is_checked_and_serves_successes(tmp_path: Path) -> None:
    printed = play_example("own_policy", tmp_path)
    assert "slot 0: look up Ankara, propensity 0.87" in printed
    assert "Bern" not in printed
    assert printed.splitlines()[-1] == "slot 3: nothing, propensity 1.00"


def test_an_own_encoder_recalls_and_is_replaced_by_reindexing(tmp_path: Path) -> None:
    by_parts, refused, by_model = play_example("own_encoder", tmp_path).splitlines()
    assert by_parts.startswith("by word parts: Renew a passport (0.")
    assert refused.startswith("refused: this bank was written with encoder 'letter-triples-512'")
    assert by_model.startswith("by the packaged model: Book a flight (0.")


def test_a_user_is_erased_and_others_stay(tmp_path: Path) -> None:
    printed = play_example("erase_a_user", tmp_path).splitlines()
    assert printed[:3] == [
        "recalled before: user-ann: 2, user-ben: 2",
        "would go: 2 cases, 1 readings",
        "erased: 2 cases; left to do: nothing",
    ]
    assert printed[3:5] == ["erased of Ben's: 1 case", "recalled after: user-ann: 0, user-ben: 1"]
    assert printed[5].startswith("in the audit trail: erase, ")


def test_a_bank_is_restored_and_its_cases_are_imported_once(tmp_path: Path) -> None:
    assert play_example("move_a_bank", tmp_path).splitlines() == [
        "backed up: 3 cases, 3 readings, 3 outcomes",
        "restored: 3 outcomes learned from",
        "imported: 3 new cases, 0 bad lines",
        "imported again: 0 new cases, 0 bad lines",
        "recalled: Ship a parcel to Norway",
    ]
