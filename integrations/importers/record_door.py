"""Turns neutral records into experiences and cases of a namespace: secrets masked, their source named."""

from typing import Final

from memento.integrations.importers.record import ImportedRecord, ImportOptions
from memento.memory.case import Case, Provenance, storable
from memento.memory.errors import InvalidInput
from memento.memory.experience import Experience, bounded_case
from memento.memory.importing import FROM_IMPORT
from memento.memory.text_limits import MAX_STATE_CHARS, bounded
from memento.nodes.redaction import Redact, make_redact
from memento.nodes.secret_shapes import without_secret_shapes
from memento.nodes.sources import Secrets

GIVEN: Final = "given"
"""Score name of a reward that the person who imports gives for the whole file."""

_MAX_NAME_CHARS: Final = 100
_LOOKED_AT_CHARS: Final = 4 * MAX_STATE_CHARS


class RecordDoor:
    """Turns one source's records into cases and attempts of a namespace, without secrets."""

    def __init__(self, *, kind: str, namespace: str, options: ImportOptions, secrets: Secrets | None) -> None:
        """Prepare.

        Args:
            kind: of the source.
            namespace: whose they become.
            options: what the person said about outcomes.
            secrets: known ones, which are masked beside everything that has the shape of a secret.
        """
        self._kind, self._namespace, self._options = kind, namespace, options
        self._redact: Redact = make_redact(secrets)

    @property
    def has_no_reward(self) -> bool:
        """Whether nobody gave a reward for records without one."""
        return self._options.reward is None

    def clean(self, text: str) -> str:
        """A text without secrets, and without what no database takes."""
        looked_at = bounded(storable(text.replace("\x00", "")), _LOOKED_AT_CHARS)
        return without_secret_shapes(self._redact(looked_at))

    def experience(self, record: ImportedRecord) -> Experience:
        """What the record becomes.

        Raises:
            InvalidInput: it has no task, or a value that no experience has.
        """
        reward, scored_by = record.reward, record.scored_by
        if reward is None and self._options.reward is not None and not record.is_disputed:
            reward, scored_by = self._options.reward, GIVEN
        name = f"{FROM_IMPORT}{self._kind}"
        scorer = f":{self.clean(scored_by)[:_MAX_NAME_CHARS]}" if scored_by else ""
        source_id = self.clean(record.source_id)[:_MAX_NAME_CHARS]
        return Experience(
            state=self.clean(record.state),
            action=self.clean(record.action),
            answer=self.clean(record.answer),
            reward=reward,
            confidence=record.confidence,
            lesson=self.clean(record.lesson),
            error_class=record.error_class,
            evaluator=f"{name}{scorer}",
            thread_id=f"{name}:{source_id}" if source_id else None,
            models={role: self.clean(model)[:_MAX_NAME_CHARS] for role, model in record.models.items()},
            namespace=self._namespace,
            key=self.clean(record.key),
            kind=record.kind,
            picture=record.picture,
        )

    def case(self, experience: Experience, *, is_retired: bool) -> Case:
        """The case of an experience whose reward is known."""
        if experience.reward is None:
            raise InvalidInput("an unknown outcome makes no case")
        provenance = Provenance(
            evaluator=experience.evaluator, thread_id=experience.thread_id, models=dict(experience.models or {})
        )
        case = Case(
            id=experience.id_in(self._namespace),
            namespace=self._namespace,
            state=experience.state,
            action=experience.action,
            answer=experience.answer,
            reward=experience.reward,
            confidence=experience.confidence,
            lesson=experience.lesson,
            error_class=experience.error_class,
            status="retired" if is_retired else "active",
            provenance=provenance,
            key=experience.key,
            kind=experience.kind,
            picture=experience.attempt.picture,
        )
        return bounded_case(case)
