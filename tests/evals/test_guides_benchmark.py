"""The simulation of guides on trial: arms have the same tasks and luck, and the tables say what came of them."""

import pytest

from benchmarks.guides.__main__ import figures
from benchmarks.guides.stream import ARMS, run_stream
from benchmarks.guides.tasks import FAMILIES, chance_of, made_tasks
from tests.hashing_encoder import HashingEncoder


def test_a_guide_adds_what_its_family_says_and_each_case_of_the_family_a_little() -> None:
    (task,) = made_tasks(1, seed=0)
    alone = chance_of(task, [], has_guide=False)
    assert chance_of(task, [task.family, 99], has_guide=False) > alone
    assert chance_of(task, [], has_guide=True) - alone == FAMILIES[task.family].effect


@pytest.mark.slow
async def test_streams_of_all_arms_are_paired_and_their_trials_are_counted() -> None:
    found = {
        arm: [await run_stream(arm, n_tasks=10, seed=seed, encoder=HashingEncoder()) for seed in range(2)]
        for arm in ARMS
    }
    assert [one.families for one in found["always"]] == [one.families for one in found["raw cases"]]
    for stream in found["on trial"]:
        assert 0 < sum(trial.n_shown + trial.n_withheld for trial in stream.trials) <= 10
    assert all(trial.n_shown == 0 for trial in found["always"][0].trials)
    text = figures(found)
    assert "2 streams of 10 tasks" in text
    assert all(family.guide in text for family in FAMILIES)
