"""Candidate recall: the nearest cases, those that an estimator suggests, or a uniform sample."""

import numpy as np

from memento.memory.case import CaseKind
from memento.memory.event import Candidate
from memento.memory.index.case_bank import Search
from memento.memory.learning.learner import Learner
from memento.memory.products import cosines
from memento.memory.storage import Storage

N_CANDIDATES = 64
"""Cases recalled by similarity for the policy to choose from."""

N_SUGGESTED = 16
"""Cases looked up near each direction that an estimator suggests."""


class Recalling:
    """Recalls candidate cases of other questions, in the case bank or in the ledger itself."""

    def __init__(self, storage: Storage) -> None:
        """Wire the parts."""
        self._storage = storage

    async def nearest(self, query: str, question: str, namespace: str, kind: CaseKind) -> Search:
        """The nearest cases of one kind and of other questions.

        An index may have cases of this question under another key (see `LedgerViews.of_question`): these are left out
        by their text, and as many more are asked for.
        """
        (vector, offset), limit = await self._storage.texts.located(query), N_CANDIDATES
        told: list[str] = []
        while True:
            found = await self._storage.bank.search(
                vector, namespace=namespace, kind=kind, limit=limit, exclude_question=question, until=offset
            )
            told += found.notices
            own = await self._storage.views.of_question(
                [hit.case_id for hit in found.hits], question, namespace=namespace
            )
            if len(found.hits) - len(own) >= N_CANDIDATES or len(found.hits) < limit or found.is_degraded:
                kept = [hit for hit in found.hits if hit.case_id not in own]
                return found._replace(hits=kept[:N_CANDIDATES], notices=told)
            limit *= 2

    async def suggested(
        self, query: str, question: str, namespace: str, learner: Learner, known: set[str], until: int, kind: CaseKind
    ) -> tuple[list[Candidate], bool, list[str]]:
        """Candidates that the estimator suggests beside the nearest: its best cases, and their neighbours.

        Returns:
            The candidates, whether one of the searches was degraded, and what they have to tell.
        """
        vector = await self._storage.texts.one(query)
        suggestions = await learner.suggest(vector)
        ids = list(suggestions.ids)
        searches = [
            await self._storage.bank.search(
                direction_D, namespace=namespace, kind=kind, limit=N_SUGGESTED, exclude_question=question, until=until
            )
            for direction_D in suggestions.direction_MD
        ]
        ids += [hit.case_id for search in searches for hit in search.hits]
        fresh = [case_id for case_id in dict.fromkeys(ids) if case_id not in known]
        found = await self._storage.views.cases(fresh, namespace=namespace) if fresh else {}
        cases = [
            case
            for case in found.values()
            if case.status == "active" and case.kind == kind and case.question != question
        ]
        similarity_C = cosines(await self._storage.texts.rows([case.state for case in cases]), vector)
        candidates = [Candidate(case.id, float(cosine)) for case, cosine in zip(cases, similarity_C, strict=True)]
        told = [notice for search in searches for notice in search.notices]
        return candidates, any(search.is_degraded for search in searches), told

    async def drawn(
        self, query: str, question: str, namespace: str, rng: np.random.Generator, *, former_key: str, kind: CaseKind
    ) -> tuple[list[Candidate], int]:
        """A uniform sample of the namespace's cases of a kind, in random order, and how many there are."""
        views = self._storage.views
        drawn, pool_size = await views.draw(
            N_CANDIDATES, namespace=namespace, kind=kind, exclude_question=question, former_key=former_key, rng=rng
        )
        if not drawn:
            return [], pool_size
        cases = await views.cases(drawn, namespace=namespace)
        # damaged since, or kept under neither key
        drawn = [case_id for case_id in drawn if case_id in cases and cases[case_id].question != question]
        state_CD = await self._storage.texts.rows([cases[case_id].state for case_id in drawn])
        similarity_C = cosines(state_CD, await self._storage.texts.one(query))
        candidates = [Candidate(case_id, float(cosine)) for case_id, cosine in zip(drawn, similarity_C, strict=True)]
        return candidates, pool_size
