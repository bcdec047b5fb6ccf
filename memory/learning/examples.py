"""Builds training examples from the ledger's observations, a page at a time."""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from memento.memory.case import PLAN, Case, text_hash
from memento.memory.encoder import EncodedTexts
from memento.memory.estimators.port import CaseOrigins, CaseRows, CaseView, Example
from memento.memory.event import ObservedOutcome, Slot
from memento.memory.guides import EVEN
from memento.memory.index.engines.port import Vector
from memento.memory.ledger.reads import LedgerViews
from memento.memory.namespaces import holds_documents
from memento.memory.plan_text import encoded_action, plan_lines

_MOST_RECENT = 8192
"""Maximum number of cases whose actions' hashes are kept in memory: a few megabytes."""


def of_judged_kind(observations: Sequence[ObservedOutcome]) -> list[ObservedOutcome]:
    """Return those of one kind of case, by which settings and policies are judged: plans, else the commonest kind.

    Reads of several kinds in one run share its outcome; counted together, one task would count several times.
    """
    kinds = Counter(one.event.kind for one in observations)
    judged = PLAN if PLAN in kinds or not kinds else kinds.most_common(1)[0][0]
    return [one for one in observations if one.event.kind == judged]


class ExampleReader:
    """Converts the observations of one namespace into training examples."""

    def __init__(
        self,
        *,
        namespace: str,
        views: LedgerViews,
        texts: EncodedTexts,
        wanted: Sequence[CaseView],
        has_origins: bool = True,
    ) -> None:
        """Wire the parts.

        Args:
            namespace: whose cases.
            views: the ledger.
            texts: vectors of queries and cases.
            wanted: which encodings of cases the estimator needs.
            has_origins: whether it is told where cases come from.
        """
        self._namespace = namespace
        self._views = views
        self._texts = texts
        self._wanted = tuple(wanted)
        self._has_actions = not holds_documents(namespace)
        self._has_origins = has_origins
        self._recent: OrderedDict[str, _Action] = OrderedDict()

    async def examples(self, observations: Sequence[ObservedOutcome]) -> list[Example | None]:
        """Training example of each observation; None where the outcome is unknown."""
        known = [(observation, reward) for observation in observations if (reward := observation.reward) is not None]
        served = [[slot for slot in observation.event.slots if slot.case_id is not None] for observation, _ in known]
        ids = dict.fromkeys(slot.case_id or "" for slots in served for slot in slots)
        found = await self._views.cases(list(ids), namespace=self._namespace) if ids else {}
        served = [[slot for slot in slots if slot.case_id in found] for slots in served]
        cases = [found[slot.case_id or ""] for slots in served for slot in slots]
        rows = await self._page(cases, [slot for slots in served for slot in slots])
        state_ED = await self._texts.rows([observation.event.query for observation, _ in known])
        made: dict[int, Example] = {}
        start = 0
        for (observation, reward), slots, state_D in zip(known, served, state_ED, strict=True):
            cases_of_event = cut(rows, start, start + len(slots))
            made[observation.offset] = _example(observation, reward, slots, state_D, cases_of_event)
            start += len(slots)
        return [made.get(observation.offset) for observation in observations]

    async def rows(self, cases: Sequence[Case], similarity_N: Vector, reward_N: Vector) -> CaseRows:
        """Cases as an estimator sees them."""
        vectors = await self._vectors(cases)
        actions = [self._action(case) for case in cases] if self._has_actions else []
        return CaseRows(
            tuple(case.id for case in cases),
            similarity_N,
            reward_N,
            vectors,
            tuple(action.hashed for action in actions),
            origins=origins_of(cases) if self._has_origins else None,
            lines=tuple(action.lines for action in actions),
        )

    async def _vectors(self, cases: Sequence[Case]) -> dict[CaseView, Vector]:
        """Encodings of cases, looked up together.

        A written case has its vectors; one that was imported or loaded gets the others when they are needed.
        """
        views = [view for view in self._wanted if view != "action" or self._has_actions]
        said = {view: [view_text(case, view) for case in cases] for view in views}
        kept = {text for view, texts in said.items() if view != "state" for text in texts}
        row_ND = await self._texts.rows([text for texts in said.values() for text in texts], is_kept=kept)
        n = len(cases)
        return {view: row_ND[number * n : (number + 1) * n] for number, view in enumerate(views)}

    def _action(self, case: Case) -> "_Action":
        """Hashes of a case's action, which its id stands for: no revision changes it."""
        action = self._recent.get(case.id)
        if action is None:
            action = self._recent[case.id] = _Action(text_hash(case.action), plan_lines(case.action))
            if len(self._recent) > _MOST_RECENT:
                self._recent.popitem(last=False)
        return action

    async def _page(self, cases: Sequence[Case], slots: Sequence[Slot]) -> CaseRows:
        similarity_N = np.array([slot.similarity for slot in slots], np.float32)
        own_N = [_own_reward(slot, case) for slot, case in zip(slots, cases, strict=True)]
        rows = await self.rows(cases, similarity_N, np.array(own_N, np.float32))
        return rows.supported(np.array([slot.support or 0.0 for slot in slots], np.float32))


def origins_of(cases: Sequence[Case]) -> CaseOrigins:
    """Where cases come from, by their texts and the time they were written."""
    return CaseOrigins(
        tuple(case.question for case in cases),
        np.array([datetime.fromisoformat(case.created_at).timestamp() for case in cases], np.float64),
        np.array([len(case.action) for case in cases], np.float64),
    )


class _Action(NamedTuple):
    """An action, for telling whether two are the same or share a line."""

    hashed: str
    lines: tuple[str, ...]


def view_text(case: Case, view: CaseView) -> str:
    """What an encoder is given of a case: its state, the beginning of its plan, or state and action together."""
    if view == "action":
        return encoded_action(case.action)
    return case.state if view == "state" else case.text


def cut(rows: CaseRows, start: int, stop: int) -> CaseRows:
    """The cases from one position to before another, in arrays of their own."""
    return CaseRows(
        rows.ids[start:stop],
        rows.similarity_N[start:stop].copy(),
        rows.reward_N[start:stop].copy(),
        {view: row_ND[start:stop].copy() for view, row_ND in rows.vectors.items()},
        rows.actions[start:stop],
        None if rows.support_N is None else rows.support_N[start:stop].copy(),
        None if rows.origins is None else rows.origins.only(np.arange(start, stop)),
        rows.lines[start:stop],
    )


def _example(
    observation: ObservedOutcome, reward: float, slots: Sequence[Slot], state_D: Vector, cases: CaseRows
) -> Example:
    return Example(
        offset=observation.offset,
        event_id=observation.event_id,
        follows=observation.event.follows,
        question=observation.event.question,
        state_D=state_D.copy(),
        cases=cases,
        is_randomised_N=np.array([slot.is_randomised for slot in slots], np.bool_),
        propensity_N=np.array([slot.propensity for slot in slots], np.float64),
        reward=reward,
        confidence=observation.confidence,
        withheld=_withheld(observation.event.slots),
    )


def _withheld(slots: Sequence[Slot]) -> str | None:
    """The one case that a fair coin withheld."""
    held = [slot.withheld for slot in slots if slot.case_id is None and slot.withheld and slot.propensity == EVEN]
    return held[0] if len(held) == len(slots) == 1 else None


def _own_reward(slot: Slot, case: Case) -> float:
    """Own reward of the case when it was served, so that relearning from the start gives the same result."""
    return case.reward if slot.own_reward is None else slot.own_reward
