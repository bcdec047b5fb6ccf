"""The probe with blanked cases tells a rule that shares rewards from one that asks what a case added."""

from dataclasses import replace

import pytest
import torch

from benchmarks.blanked_cases import blanked, shares
from benchmarks.planted.scenarios import SCENARIOS

POLICIES = ("advantage", "memrl")
WORLD = replace(SCENARIOS["fixed"], bank_start=60, bank_end=60, inert_share=0.1)


@pytest.mark.slow
def test_shared_rewards_believe_in_blanked_cases_and_advantage_does_not() -> None:
    n_cores = torch.get_num_threads()
    torch.set_num_threads(1)
    found = {name: [blanked(name, world=WORLD, seed=seed, steps=200) for seed in (0, 1)] for name in POLICIES}
    torch.set_num_threads(n_cores)
    by_interval = {name: shares(counts)["believed to help, by its interval"].value for name, counts in found.items()}
    assert by_interval["advantage"] <= 0.05
    assert by_interval["memrl"] > 0.1
    for counts in found.values():
        for one in counts:
            assert 0 < one.served <= one.n
            assert one.believed_by_interval <= one.believed <= one.served
            assert one.updates_up > 0


def test_a_policy_without_an_estimator_is_refused() -> None:
    with pytest.raises(ValueError, match="learns nothing"):
        blanked("similarity", world=WORLD, seed=0, steps=10)
