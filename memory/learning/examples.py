"""From the ledger's records to what estimators are given, a page of outcomes at a time."""

from collections.abc import Sequence

import numpy as np

from memento.memory.case import Case, text_hash
from memento.memory.encoder import EncodedTexts
from memento.memory.engines.port import Vector
from memento.memory.estimators.port import CaseRows, CaseView, Example
from memento.memory.event import Experience, Slot
from memento.memory.ledger_views import LedgerViews


class ExampleReader:
    """Makes the examples of one namespace."""

    def __init__(self, *, namespace: str, views: LedgerViews, texts: EncodedTexts, wanted: Sequence[CaseView]) -> None:
        """Wire the parts.

        Args:
            namespace: whose cases.
            views: the ledger.
            texts: vectors of queries and cases.
            wanted: which encodings of cases the estimator needs.
        """
        self._namespace = namespace
        self._views = views
        self._texts = texts
        self._wanted = tuple(wanted)

    async def examples(self, experiences: Sequence[Experience]) -> list[Example | None]:
        """What an estimator is given of each experience; None where the outcome is not known."""
        known = [(experience, reward) for experience in experiences if (reward := experience.reward) is not None]
        served = [[slot for slot in experience.event.slots if slot.case_id is not None] for experience, _ in known]
        ids = dict.fromkeys(slot.case_id or "" for slots in served for slot in slots)
        found = await self._views.cases(list(ids), namespace=self._namespace) if ids else {}
        served = [[slot for slot in slots if slot.case_id in found] for slots in served]
        cases = [found[slot.case_id or ""] for slots in served for slot in slots]
        rows = await self._page(cases, [slot for slots in served for slot in slots])
        state_ED = await self._texts.rows([experience.event.query for experience, _ in known])
        made: dict[int, Example] = {}
        start = 0
        for (experience, reward), slots, state_D in zip(known, served, state_ED, strict=True):
            cases_of_event = cut(rows, start, start + len(slots))
            made[experience.offset] = _example(experience, reward, slots, state_D, cases_of_event)
            start += len(slots)
        return [made.get(experience.offset) for experience in experiences]

    async def rows(self, cases: Sequence[Case], similarity_N: Vector, reward_N: Vector) -> CaseRows:
        """Cases as an estimator sees them."""
        vectors: dict[CaseView, Vector] = {}
        for view in self._wanted:
            # a state is encoded when its case is written; the others when they are first learned from
            vectors[view] = await self._texts.rows([getattr(case, view) for case in cases], is_kept=view != "state")
        actions = tuple(text_hash(case.action) for case in cases)
        return CaseRows(tuple(case.id for case in cases), similarity_N, reward_N, vectors, actions)

    async def _page(self, cases: Sequence[Case], slots: Sequence[Slot]) -> CaseRows:
        similarity_N = np.array([slot.similarity for slot in slots], np.float32)
        own_N = [_own_reward(slot, case) for slot, case in zip(slots, cases, strict=True)]
        rows = await self.rows(cases, similarity_N, np.array(own_N, np.float32))
        return rows.supported(np.array([slot.support or 0.0 for slot in slots], np.float32))


def cut(rows: CaseRows, start: int, stop: int) -> CaseRows:
    """The cases from one position to before another, in arrays of their own."""
    return CaseRows(
        rows.ids[start:stop],
        rows.similarity_N[start:stop].copy(),
        rows.reward_N[start:stop].copy(),
        {view: row_ND[start:stop].copy() for view, row_ND in rows.vectors.items()},
        rows.actions[start:stop],
        None if rows.support_N is None else rows.support_N[start:stop].copy(),
    )


def _example(experience: Experience, reward: float, slots: Sequence[Slot], state_D: Vector, cases: CaseRows) -> Example:
    return Example(
        offset=experience.offset,
        event_id=experience.event_id,
        follows=experience.event.follows,
        question=experience.event.question,
        state_D=state_D.copy(),
        cases=cases,
        is_randomised_N=np.array([slot.is_randomised for slot in slots], np.bool_),
        propensity_N=np.array([slot.propensity for slot in slots], np.float64),
        reward=reward,
        confidence=experience.confidence,
    )


def _own_reward(slot: Slot, case: Case) -> float:
    """As it was when the case was served, so that learning again from the start learns the same."""
    return case.reward if slot.own_reward is None else slot.own_reward
