"""Candidate recall: the nearest cases by text and picture, those that an estimator suggests, or a uniform sample."""

from collections.abc import Sequence

import numpy as np

from memento.memory.case import CaseKind
from memento.memory.errors import EncoderUnavailable
from memento.memory.event import Candidate
from memento.memory.index.case_bank import Search
from memento.memory.index.engines.port import Vector
from memento.memory.learning.learner import Learner
from memento.memory.picture_search import PictureQuery
from memento.memory.pictures import CasePicture
from memento.memory.products import cosines
from memento.memory.storage import Storage

N_CANDIDATES = 64
"""Cases recalled by similarity for the policy to choose from."""

N_SUGGESTED = 16
"""Cases looked up near each direction that an estimator suggests."""

N_PICTURED = 32
"""Cases recalled by picture, where a read has one, beside those by text."""


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
        candidates = await self._by_text(vector, fresh, question, namespace, kind)
        told = [notice for search in searches for notice in search.notices]
        return candidates, any(search.is_degraded for search in searches), told

    async def query(self, picture: CasePicture | None) -> PictureQuery:
        """The picture of a read as it is searched for: by none where there is none, or no image encoder."""
        search, problem = self._storage.pictures, self._storage.no_pictures_because
        if picture is None or search is None:
            is_degraded = picture is not None and bool(problem)
            return PictureQuery(is_degraded=is_degraded, notices=(problem,) if is_degraded else ())
        return await search.query(picture)

    async def pictured(
        self, query: str, picture: Vector, question: str, namespace: str, known: set[str], until: int, kind: CaseKind
    ) -> tuple[list[Candidate], bool, list[str]]:
        """Candidates beside the known ones whose pictures are the nearest, with their texts' cosines.

        Returns:
            The candidates, whether the search was degraded, and what it has to tell.
        """
        if (search := self._storage.pictures) is None:
            return [], False, []
        found = await search.nearest(
            picture, namespace=namespace, kind=kind, limit=N_PICTURED, exclude_question=question, until=until
        )
        fresh = [hit.case_id for hit in found.hits if hit.case_id not in known]
        vector = await self._storage.texts.one(query)
        candidates = await self._by_text(vector, fresh, question, namespace, kind)
        return candidates, found.is_degraded, found.notices

    async def compared(
        self, candidates: Sequence[Candidate], picture: Vector, namespace: str
    ) -> tuple[list[Candidate], bool, list[str]]:
        """The candidates in their order; of those with a picture, with the mean of the text's and picture's cosines.

        Returns:
            The candidates, whether their pictures could not be compared, and what there is to tell.
        """
        search = self._storage.pictures
        if search is None or not candidates:
            return list(candidates), False, []
        cases = await self._storage.views.cases([one.case_id for one in candidates], namespace=namespace)
        try:
            cosine = await search.similarities(list(cases.values()), picture)
        except EncoderUnavailable as error:
            return list(candidates), True, [f"pictures were not compared: {error}"]
        mixed = [
            Candidate(one.case_id, (one.similarity + cosine[one.case_id]) / 2) if one.case_id in cosine else one
            for one in candidates
        ]
        return mixed, False, []

    async def _by_text(
        self, vector: Vector, ids: Sequence[str], question: str, namespace: str, kind: CaseKind
    ) -> list[Candidate]:
        """Those of these cases that may be served, with their texts' cosines."""
        found = await self._storage.views.cases(ids, namespace=namespace) if ids else {}
        cases = [
            case
            for case in found.values()
            if case.status == "active" and case.kind == kind and case.question != question
        ]
        similarity_C = cosines(await self._storage.texts.rows([case.state for case in cases]), vector)
        return [Candidate(case.id, float(cosine)) for case, cosine in zip(cases, similarity_C, strict=True)]

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
