"""What the memory of a stream is told, and what its planner is shown, by the controls of the stream's arm."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from memento.evals.runs.blanked_cases import with_blanks
from memento.evals.runs.earlier_attempts import EarlierAttempts
from memento.evals.runs.journal import JOURNAL, Journal
from memento.evals.runs.plan import RunPlan, StreamKey, Visit
from memento.evals.runs.result import TaskResult
from memento.evals.runs.successes import Successes, as_shown, demonstration
from memento.evals.runs.told_outcomes import ToldOutcomes
from memento.evals.subject import Correction, Subject
from memento.memory.case import POSITIVE_FROM, ScoredCase, storable
from memento.memory.errors import InvalidInput
from memento.memory.experience import Experience
from memento.nodes.context import RunSettings


class StreamControls:
    """Turns results into what is told, and chosen cases into what is shown."""

    def __init__(self, key: StreamKey, *, plan: RunPlan, subject: Subject, settings: RunSettings) -> None:
        """Begin with nothing told.

        Args:
            key: arm and seed.
            plan: of the whole run.
            subject: gives corrections and demonstrations.
            settings: of the stream's runs.

        Raises:
            InvalidInput: the arm shows demonstrations, and the subject has none.
        """
        self._key = key
        self._controls = key.arm.controls
        self._plan = plan
        self._subject = subject
        self._settings = settings
        self._worked_from = worked_from(settings)
        self._fixed: list[ScoredCase] = []
        self._begin()
        if self._controls.fixed is not None and subject.demonstrations is None:
            raise InvalidInput(
                f"arm {key.arm.name!r}: {subject.name} has no demonstrations to show; leave this arm out"
            )

    async def draw_fixed(self) -> None:
        """Draw the demonstrations that all tasks of the stream are shown, where its arm wants that."""
        n, draw = self._controls.fixed, self._subject.demonstrations
        if n is not None and draw is not None:
            told = await draw(n, self._key.seed)
            self._fixed = [as_shown(demonstration(one, self._key.name), slot) for slot, one in enumerate(told)]

    def tell_again(self, folder: Path, written: set[int], visits: Sequence[Visit]) -> None:
        """Bring a resumed stream's attempts and shuffled outcomes to where its journal has brought its memory.

        Blocking: it reads the journal.

        Args:
            folder: of the stream.
            written: rounds whose cases are in the memory.
            visits: of the stream.
        """
        self._begin()
        if not written or not self._controls.depends_on_journal:
            return
        earlier = Journal(folder / JOURNAL)
        earlier.read()
        for number, in_round in groupby(visits, key=lambda visit: visit.round):
            if number in written:
                self.told(list(in_round), earlier.results)

    def told(self, visits: Sequence[Visit], results: Mapping[int, TaskResult]) -> list[Experience]:
        """Return what the memory is told of a round, in the order of the stream; rounds are given in order.

        Args:
            visits: of the round.
            results: by position.
        """
        told = self._told.of_round(visits, results)
        if self._attempts is not None:
            self._attempts.add(told)
        if self._controls.shows_successes:
            self._successes.add(told)
        return told

    def with_correction(self, visit: Visit, result: TaskResult) -> TaskResult:
        """Return a result with the correction that the memory will be told after it, for the journal to keep.

        With shuffled outcomes that is another task's, which only the memory knows.
        """
        correction = self._told.correction_of(visit.task, result) if visit.phase == "learn" else None
        if correction is None or self._controls.outcomes == "shuffled":
            return result
        return result.model_copy(update={"correction": Correction(*map(storable, correction))})

    def shown(self, question: str, cases: list[ScoredCase]) -> list[ScoredCase]:
        """Return what the planner sees in the place of the cases that the memory has chosen.

        Args:
            question: hash of the task's.
            cases: chosen, best first.
        """
        controls, k = self._controls, self._settings.k
        if self._attempts is not None:
            return self._attempts.shown(question)
        if controls.fixed is not None:
            return self._fixed
        if controls.successes == "random":
            return self._successes.drawn(question, k)
        if controls.filled:
            cases = self._successes.filled(question, cases, k)
        return with_blanks(cases, share=controls.blanked, seed=self._key.seed) if controls.blanked else cases

    def _begin(self) -> None:
        controls, seed, name = self._controls, self._key.seed, self._key.name
        self._successes = Successes(namespace=name, seed=seed, worked_from=self._worked_from)
        self._told = ToldOutcomes(
            controls=controls,
            seed=seed,
            feedback=self._plan.feedback,
            correction=self._subject.correction,
            corrected_below=corrected_below(self._subject, self._settings),
        )
        self._attempts: EarlierAttempts | None = None
        if controls.context is not None:
            self._attempts = EarlierAttempts(
                budget=controls.context,
                namespace=name,
                shows_failures=self._settings.failures == "shown",
                worked_from=self._worked_from,
            )


def worked_from(settings: RunSettings) -> float:
    """Return the reward from which on an attempt of a stream worked; 0.5 where that is no number."""
    line = settings.positive_from
    return line if isinstance(line, float | int) else POSITIVE_FROM


def corrected_below(subject: Subject, settings: RunSettings) -> float:
    """Return the reward below which an answer of a stream was wrong."""
    return worked_from(settings) if subject.corrected_below is None else subject.corrected_below
