"""What a stream's memory believes of its cases in the end, kept beside its journal where some cases were blanked."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from memento.evals.runs.blanked_cases import is_blanked
from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.estimators.port import CaseEffect

BELIEFS = "beliefs.json"

_Z95 = 1.96


class CaseBelief(BaseModel):
    """The estimated effect of serving one case."""

    model_config = ConfigDict(frozen=True)

    case_id: str
    question: str
    """Hash of its question: what the seeds of an arm have in common."""
    is_blanked: bool
    exposures: int
    """Known outcomes that it was served in: updates that were given to it."""
    effect: float
    """Of serving it, as the policy's estimator says; 0 is a case that changes nothing."""
    sd: float

    @property
    def is_believed_helpful(self) -> bool:
        """Whether the 95 % interval of its effect lies above 0."""
        return self.effect - _Z95 * self.sd > 0


async def beliefs_of(memory: CaseMemory, *, namespace: str, share: float, seed: int) -> list[CaseBelief]:
    """Ask a memory for its estimates; empty where its policy has none of single cases.

    Args:
        memory: of a stream, settled.
        namespace: of the stream.
        share: of cases that were blanked.
        seed: of the stream.
    """
    effects = {one.case_id: one for one in await memory.effects(namespace)}
    if not effects:
        return []
    cases = [case async for case in memory.views.walk(namespace=namespace) if case.id in effects]
    return sorted(_beliefs(cases, effects, share, seed), key=lambda belief: belief.case_id)


def _beliefs(cases: Sequence[Case], effects: dict[str, CaseEffect], share: float, seed: int) -> Iterator[CaseBelief]:
    for case in cases:
        found = effects[case.id]
        yield CaseBelief(
            case_id=case.id,
            question=case.question,
            is_blanked=is_blanked(case, share=share, seed=seed),
            exposures=found.exposures,
            effect=found.effect,
            sd=found.sd,
        )


def save_beliefs(folder: Path, beliefs: Sequence[CaseBelief]) -> None:
    """Save them in a stream's folder, whole or not at all. Blocking."""
    whole = (folder / BELIEFS).with_suffix(".whole")
    whole.write_text(json.dumps([one.model_dump() for one in beliefs], indent=1) + "\n", encoding="utf-8")
    whole.replace(folder / BELIEFS)


def load_beliefs(folder: Path) -> list[CaseBelief] | None:
    """Load those of a stream's folder; None where there are none yet. Blocking.

    Raises:
        InvalidInput: the file is damaged.
    """
    path = folder / BELIEFS
    if not path.exists():
        return None
    try:
        return TypeAdapter(list[CaseBelief]).validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInput(
            f"{path} is damaged ({where}: {first['msg']}); delete it, and resume the run with the same command to have "
            "it written again"
        ) from error
