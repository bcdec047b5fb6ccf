"""Policies judged from a real ledger: by what was logged then, not by what the bank became since."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput, UnknownPolicy
from memento.memory.offpolicy.past_bank import PastBank
from memento.memory.offpolicy.replay import ReplayProgress
from tests.memories import Place, filled, place
from tests.wire_shim import Faults

N = 40


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[CaseMemory]:
    with place(":memory:", tmp_path) as found:
        async with found.memory(seed=0) as memory:
            yield memory


@pytest.fixture
def server(tmp_path: Path) -> Place:
    with place("server", tmp_path / "server") as found:
        yield found


async def asked(memory: CaseMemory, n: int, *, policy: str, start: int = 0, k: int = 2) -> list[str]:
    """Ask n tasks, two thirds of which go well; the ids of their events."""
    events = []
    for number in range(start, start + n):
        reading = await memory.read(f"task {number} of the capital", policy=policy, k=k)
        await memory.feedback(reading.event_id, float(number % 3 > 0))
        events.append(reading.event_id)
    return events


async def past(memory: CaseMemory, namespace: str = "default") -> PastBank:
    return await PastBank.load(
        views=memory.views, texts=memory._storage.texts, namespace=namespace, case_views={"text"}
    )


async def test_a_policy_earns_what_it_earned_when_it_was_the_logging_one(memory: CaseMemory) -> None:
    await filled(memory, 8)
    await asked(memory, N, policy="similarity")
    report = await memory.evaluation().report(["similarity", "similarity_reward"])
    similarity = report.policies["similarity"]
    assert similarity.mean_weight == 1
    for one in (similarity.ips, similarity.snips, similarity.dr):
        assert (one.value, one.n_events) == (pytest.approx(report.all_served.value), N)
    assert report.served == {"similarity": report.all_served}
    assert "no overlap" in (report.policies["similarity_reward"].dr.abstains or "")
    by = {(one.policy, one.than): one.estimate for one in report.differences}
    assert by["similarity", None][:3] == pytest.approx((0, 0, 0), abs=0.02)
    assert set(by) == {("similarity", None), ("similarity_reward", None), ("similarity_reward", "similarity")}


@pytest.mark.slow
async def test_a_ranking_policy_is_judged_by_what_was_drawn_by_lot(memory: CaseMemory) -> None:
    await filled(memory, 4)
    await asked(memory, 90, policy="random", k=1)
    report = await memory.evaluation().report(["similarity", "random", "none"])
    similarity = report.policies["similarity"]
    assert similarity.mean_weight == pytest.approx(1, abs=0.6)
    assert 10 < similarity.dr.effective < 40
    assert report.policies["random"].ips.value == pytest.approx(report.all_served.value)
    assert report.policies["none"].mean_weight == 0


async def test_own_rewards_are_logged_when_cases_are_drawn_by_lot(memory: CaseMemory) -> None:
    await filled(memory, 4)
    reading = await memory.read("anything", policy="random", k=4)
    event = await memory.views.event(reading.event_id, namespace="default")
    assert event is not None
    assert {slot.own_reward for slot in event.slots} == {0.0, 1.0}
    assert [slot.own_reward for slot in event.slots] == [one.case.reward for one in reading.cases]


async def test_weights_are_over_the_cases_that_were_active_then(memory: CaseMemory) -> None:
    ids = await filled(memory, 4)
    await asked(memory, 45, policy="random", k=1)
    await filled(memory, 20, start=4)
    await memory.lifecycle.retire(*ids, reason="not wanted any more")
    report = await memory.evaluation().report(["random"])
    assert report.policies["random"].mean_weight == pytest.approx(1)


async def test_the_bank_shows_what_was_known_at_each_offset(memory: CaseMemory) -> None:
    first, second = await filled(memory, 2)
    reading = await memory.read("What else?", k=1)
    await memory.write(state="What else?", action="look", reward=1.0, event_id=reading.event_id)
    between = await memory.views.newest_offset()
    await memory.feedback(reading.event_id, 0.0)
    await memory.lifecycle.retire(first, reason="r")
    bank = await past(memory)

    def rewards() -> dict[str, float]:
        rows = bank.servable(without_question="none")
        cases = bank.cases(rows, np.zeros(len(rows), np.float32), views=("text",), rewards={second: 0.25})
        assert cases.vectors["text"].shape == (len(rows), 64)
        return dict(zip(cases.ids, cases.reward_N.tolist(), strict=True))

    bank.at(between)
    then = rewards()
    assert then == {first: 0.0, second: 0.25, **{other: 1.0 for other in then if other not in (first, second)}}
    bank.at(2**60)
    assert list(rewards().values()) == [0.25, 0.0]
    bank.at(1)
    assert list(rewards()) == [first]


async def test_the_nearest_are_those_the_engine_finds(memory: CaseMemory) -> None:
    await filled(memory, 12)
    reading = await memory.read("What is the capital of Kenya number 2 again ?", k=2)
    bank = await past(memory)
    bank.at(2**60)
    vector = await memory._storage.texts.one("What is the capital of Kenya number 2 again ?")
    nearest = bank.nearest(vector, bank.servable(without_question="none"), limit=2)
    served = [scored.case.id for scored in reading.cases]
    assert nearest.tolist() == bank.rows_of(served).tolist()
    assert bank.similarity(vector, nearest) == pytest.approx([scored.similarity for scored in reading.cases], abs=1e-6)


async def test_the_newest_known_outcome_counts(memory: CaseMemory) -> None:
    await filled(memory, 4)
    events = await asked(memory, N, policy="similarity")
    await memory.feedback(events[0], 1.0)
    await memory.feedback(events[1], None)
    await memory.read("never answered", k=2)
    report = await memory.evaluation().report(["similarity"])
    assert report.all_served.n_events == N - 1
    assert report.n_unknown == 2
    expected = [1.0 if number == 0 else float(number % 3 > 0) for number in range(N) if number != 1]
    assert report.all_served.value == pytest.approx(np.mean(expected))


async def test_a_namespace_is_judged_by_its_own_log(memory: CaseMemory) -> None:
    await filled(memory, 4)
    await asked(memory, N, policy="similarity")
    await filled(memory, 3, namespace="other")
    memory.namespace = "other"
    report = await memory.evaluation().report(["similarity"])
    assert report.all_served.n_events == 0
    assert "no known outcome" in (report.policies["similarity"].dr.abstains or "")
    assert len((await past(memory, "other")).servable(without_question="none")) == 0
    assert "x" not in await past(memory, "other")


async def test_degraded_events_are_left_out(server: Place) -> None:
    assert server.shim is not None
    async with server.memory() as memory:
        await filled(memory, 4)
        await asked(memory, 3, policy="similarity")
        server.shim.faults = Faults(is_down=True)
        await asked(memory, 2, policy="similarity", start=3)
        report = await memory.evaluation().report(["similarity"])
    assert (report.all_served.n_events, report.n_unknown) == (3, 2)


async def test_only_one_policys_log_is_used_when_it_is_named(memory: CaseMemory) -> None:
    await filled(memory, 4)
    await asked(memory, N, policy="similarity")
    await asked(memory, N, policy="random", k=1, start=N)
    report = await memory.evaluation().report(["similarity"], logged_by="random")
    assert list(report.served) == ["random"]
    assert report.policies["similarity"].ips.n_events == N


async def test_as_many_slots_as_the_event_had_unless_told_otherwise(memory: CaseMemory) -> None:
    await filled(memory, 6)
    await asked(memory, 20, policy="similarity", k=2)
    await asked(memory, 20, policy="similarity", k=3, start=20)
    evaluation = memory.evaluation()
    assert (await evaluation.report(["similarity"])).policies["similarity"].mean_weight == 1
    assert (await evaluation.report(["similarity"], k=3)).policies["similarity"].mean_weight == 0.5


async def test_a_read_that_recalled_nothing_is_a_control_and_no_more(memory: CaseMemory) -> None:
    await filled(memory, 4)
    await asked(memory, N, policy="none")
    report = await memory.evaluation().report(["similarity"])
    assert (report.n_not_recalled, report.served["none"].n_events) == (N, N)
    assert "too few" in (report.policies["similarity"].dr.abstains or "")


@pytest.mark.slow
async def test_a_learned_policy_is_judged_by_estimates_of_other_questions(memory: CaseMemory) -> None:
    """Every question is asked once, so no estimator has seen what it is asked about; the run repeats bit for bit."""
    await filled(memory, 4)
    await asked(memory, N, policy="random", k=1)
    first, second = [await memory.evaluation(seed=3).report(["parametric", "soft"]) for _ in range(2)]
    assert first == second
    assert first.policies["parametric"].dm.value != first.policies["soft"].dm.value
    other = await memory.evaluation(seed=4).report(["parametric", "soft"])
    assert other.policies["parametric"].dm.value != first.policies["parametric"].dm.value


async def test_progress_is_told_to_the_end(memory: CaseMemory) -> None:
    await filled(memory, 4)
    await asked(memory, 70, policy="similarity")
    seen: list[ReplayProgress] = []
    await memory.evaluation().report(["similarity"], on_progress=seen.append)
    assert all(0 <= one.done <= one.total for one in seen)
    assert "replaying similarity" in {one.doing for one in seen}


async def test_refused_when_there_is_nothing_to_evaluate(memory: CaseMemory) -> None:
    evaluation = memory.evaluation()
    with pytest.raises(UnknownPolicy):
        await evaluation.report(["best"])
    with pytest.raises(UnknownPolicy):
        await evaluation.report(["none"], logged_by="best")
    with pytest.raises(InvalidInput, match="at least one"):
        await evaluation.report([])
    with pytest.raises(InvalidInput, match="at least one"):
        await evaluation.report(["none"], k=0)
