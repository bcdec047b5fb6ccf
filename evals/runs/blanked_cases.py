"""Cases that are served without their text, by which it is measured whether a memory credits noise.

Which ones follows from their question and the seed of the stream, so that the arms of a seed blank the same ones. Text
is taken out when a case is served: the memory itself keeps and compares the whole case, and can find out only from
outcomes that this one does not help.
"""

import hashlib

from memento.memory.case import Case, ScoredCase


def is_blanked(case: Case, *, share: float, seed: int) -> bool:
    """Whether a case is served without its text.

    Args:
        case: that a memory has.
        share: of cases that are, in [0, 1).
        seed: of the stream.
    """
    digest = hashlib.sha256(f"blanked {seed} {case.question}".encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def with_blanks(cases: list[ScoredCase], *, share: float, seed: int) -> list[ScoredCase]:
    """Return served cases, some of them without plan, answer and lesson; the task that they are of stays."""
    return [_blank(one) if is_blanked(one.case, share=share, seed=seed) else one for one in cases]


def _blank(served: ScoredCase) -> ScoredCase:
    case = served.case.model_copy(update={"action": "", "answer": "", "lesson": ""})
    return served._replace(case=case)
