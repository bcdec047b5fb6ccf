"""The bank of a namespace at a past offset: cases that could be served then, their rewards, and the nearest ones.

An event logs what was recalled for the policy that served it. What another policy would have recalled is found here, by
an exact scan of the cases that were active at the event's bank version. Axes: N cases, C recalled cases, D dimensions.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.case import PLAN, Case, CaseKind, text_hash
from memento.memory.case_tokens import case_tokens
from memento.memory.encoder import EncodedTexts
from memento.memory.estimators.port import CaseRows, CaseView
from memento.memory.index.engines.port import Vector
from memento.memory.learning.examples import origins_of, view_text
from memento.memory.ledger.reads import LedgerViews
from memento.memory.plan_text import plan_lines
from memento.memory.products import product

_BATCH = 256


class Revision(NamedTuple):
    """One revision of a case, with its ledger offset."""

    offset: int
    row: int
    is_active: bool
    reward: float
    tokens: int
    """Of the case in a prompt, estimated."""


class PastBank:
    """All revisions of a namespace's cases; shows the bank as it was at one offset at a time."""

    def __init__(self, cases: list[Case], revisions: list[Revision], vectors: dict[CaseView, Vector]) -> None:
        """Wire the parts; `load` finds them.

        Args:
            cases: the first revision of each case.
            revisions: all of them, in order.
            vectors: encodings of the cases, each of shape (N, D); "state" must be there.
        """
        self._ids = [case.id for case in cases]
        self._actions = [text_hash(case.action) for case in cases]
        self._lines = [plan_lines(case.action) for case in cases]
        self._row = {case_id: row for row, case_id in enumerate(self._ids)}
        self._questions: dict[str, int] = {}
        self._origins = origins_of(cases)
        codes = [self._questions.setdefault(question, len(self._questions)) for question in self._origins.questions]
        self._question_N = np.array(codes, np.int64)
        self._first_reward_N = np.array([case.reward for case in cases], np.float32)
        self._revisions = revisions
        self._vectors = vectors
        self._offset, self._n_applied = 0, 0
        self._kinds = np.array([case.kind for case in cases], dtype=np.str_)
        self._is_active_N = np.zeros(len(cases), np.bool_)
        self._first_tokens_N = np.array([case_tokens(case) for case in cases], np.int64)
        self._tokens_N = self._first_tokens_N.copy()
        self._reward_N = self._first_reward_N.copy()

    @classmethod
    async def load(
        cls, *, views: LedgerViews, texts: EncodedTexts, namespace: str, case_views: set[CaseView]
    ) -> "PastBank":
        """Read every revision and encode what is asked for; what had to be encoded is kept.

        Args:
            views: the ledger.
            texts: vectors of cases.
            namespace: whose cases.
            case_views: encodings that estimators need beside that of the states.
        """
        rows: dict[str, int] = {}
        cases: list[Case] = []
        revisions: list[Revision] = []
        after = 0
        while changes := await views.changes(after=after, limit=_BATCH, namespace=namespace):
            after = changes[-1].offset
            for offset, case in changes:
                if case is None or case.status == "erased":
                    continue
                if case.id not in rows:
                    rows[case.id] = len(cases)
                    cases.append(case)
                revisions.append(
                    Revision(offset, rows[case.id], case.status == "active", case.reward, case_tokens(case))
                )
        vectors: dict[CaseView, Vector] = {}
        for view in sorted({"state", *case_views}):
            said = [view_text(case, view) for case in cases]
            parts = [
                await texts.rows(said[start : start + _BATCH], is_kept=view != "state")
                for start in range(0, len(said), _BATCH)
            ]
            vectors[view] = np.concatenate([np.empty((0, texts.encoder.dim), np.float32), *parts])
        return cls(cases, revisions, vectors)

    def __contains__(self, case_id: str) -> bool:
        """Whether the namespace has ever had a case of this id."""
        return case_id in self._row

    def at(self, offset: int) -> None:
        """Move to the bank as it was at this ledger offset; cheap when offsets ascend."""
        if offset < self._offset:
            self._rewind()
        while self._n_applied < len(self._revisions) and self._revisions[self._n_applied].offset <= offset:
            _, row, is_active, reward, tokens = self._revisions[self._n_applied]
            self._is_active_N[row], self._reward_N[row], self._tokens_N[row] = is_active, reward, tokens
            self._n_applied += 1
        self._offset = offset

    def tokens(self, rows: NDArray[np.intp]) -> list[int]:
        """Estimated tokens of these cases in a prompt."""
        return [int(self._tokens_N[row]) for row in rows]

    def rows_of(self, ids: list[str]) -> NDArray[np.intp]:
        """Row numbers of cases that the namespace has."""
        return np.array([self._row[case_id] for case_id in ids], np.intp)

    def servable(self, *, without_question: str, kind: CaseKind = PLAN) -> NDArray[np.intp]:
        """Rows of the cases that are active, of this kind and not of this question."""
        is_other_N = self._question_N != self._questions.get(without_question, -1)
        return np.flatnonzero(self._is_active_N & (self._kinds == kind) & is_other_N)

    def nearest(self, vector_D: Vector, rows: NDArray[np.intp], *, limit: int) -> NDArray[np.intp]:
        """Those of the rows whose states are nearest to a direction, nearest first."""
        cosine = self.similarity(vector_D, rows)
        return rows[np.argsort(-cosine, kind="stable")[:limit]]

    def similarity(self, vector_D: Vector, rows: NDArray[np.intp]) -> Vector:
        """Cosines of these rows' states with a unit vector."""
        return product(self._vectors["state"][rows], vector_D)

    def cases(
        self, rows: NDArray[np.intp], similarity_C: Vector, *, views: tuple[CaseView, ...], rewards: dict[str, float]
    ) -> CaseRows:
        """These cases as an estimator sees them.

        Args:
            rows: which.
            similarity_C: their cosines with the task.
            views: the encodings that the estimator needs.
            rewards: own rewards by id, where an event has logged them; else those of the offset.
        """
        ids = tuple(self._ids[row] for row in rows)
        reward_C = np.array(
            [rewards.get(case_id, self._reward_N[row]) for case_id, row in zip(ids, rows, strict=True)], np.float32
        )
        return CaseRows(
            ids,
            similarity_C,
            reward_C,
            {view: self._vectors[view][rows] for view in views},
            tuple(self._actions[row] for row in rows),
            origins=self._origins.only(rows),
            lines=tuple(self._lines[row] for row in rows),
        )

    def _rewind(self) -> None:
        self._n_applied = 0
        self._is_active_N[:] = False
        self._reward_N[:] = self._first_reward_N
        self._tokens_N[:] = self._first_tokens_N
