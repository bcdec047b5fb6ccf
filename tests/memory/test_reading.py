"""What a reading holds: the cases served, and every slot beside them, empty ones included."""

from typing import get_type_hints

from memento.memory.case import Case, ScoredCase
from memento.memory.case_memory import CaseMemory
from tests.hashing_encoder import HashingEncoder
from tests.memories import failing_bank, filled

QUERY = "What is the capital of Columbia County?"


async def test_cases_are_real_and_slots_tell_the_empty_ones_when_the_bank_is_full_of_failures() -> None:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), seed=0) as memory:
        await failing_bank(memory, QUERY)
        n_served = []
        for number in range(12):
            reading = await memory.read(f"{QUERY} {number}", k=4)
            event = await memory.views.event(reading.event_id, namespace="default")
            assert event is not None
            assert reading.slots == event.slots
            assert [slot.slot for slot in reading.slots] == [0, 1, 2, 3]
            assert all(0 < slot.propensity <= 1 for slot in reading.slots)
            assert [(one.slot, one.case.id) for one in reading.cases] == [
                (slot.slot, slot.case_id) for slot in reading.slots if slot.case_id is not None
            ]
            assert all(scored.case.state for scored in reading.cases)
            n_served.append(len(reading.cases))
            await memory.feedback(reading.event_id, 0.0)
        assert min(n_served) < 4


async def test_every_slot_holds_a_case_when_nothing_is_known_against_them() -> None:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), seed=0) as memory:
        await filled(memory, 6)
        reading = await memory.read(QUERY, k=3)
        assert [slot.case_id for slot in reading.slots] == [scored.case.id for scored in reading.cases]
        assert len(reading.cases) == 3


def test_a_scored_case_is_never_empty_when_it_is_typed() -> None:
    assert get_type_hints(ScoredCase)["case"] is Case
