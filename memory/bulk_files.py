"""Reads the files of a bulk load, cases as JSON lines and their vectors, and prepares their rows block by block.

Row i of the vectors (a `.npy` matrix of float32 or float16) belongs to line i of the cases, blank lines left out. Where
there is no such file, each line has its own as `vector`, a list of numbers.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from memento.memory.case import Case, CaseStatus
from memento.memory.encoder import unit_rows
from memento.memory.errors import InvalidInput
from memento.memory.importing import IMPORT
from memento.memory.interchange import parse_line
from memento.memory.ledger.bulk_rows import PlainCase, PreparedRows, RowMaker
from memento.memory.products import squared_norms
from memento.memory.text_limits import MAX_ACTION_CHARS, MAX_ANSWER_CHARS, MAX_LESSON_CHARS, MAX_STATE_CHARS

BLOCK = 8192
"""Cases that are prepared together and committed together: about 25 MB of the ledger."""

_HEAD_CHARS: Final = 500
_UNIT_TOLERANCE: Final = 1e-4
"""How far the square of a unit row's length may be from 1."""
_JSON: Final[TypeAdapter[Any]] = TypeAdapter(Any)
_NUMBERS: Final = (int, float)
_PLAIN: Final = frozenset({"state", "action", "reward", "answer", "lesson"})


class LoadPlan(NamedTuple):
    """What every block of a load has in common."""

    namespace: str
    encoder: str
    dim: int
    """Length of a vector."""
    status: CaseStatus
    created_at: str
    vectors: str | None
    """Path of the matrix; None where each line has its vector."""


class LoadFiles(NamedTuple):
    """The files of a load."""

    cases: Path
    vectors: str | None
    """Absolute path of the matrix."""
    n_bytes: int
    """Size of the cases."""


class RawBlock(NamedTuple):
    """Lines of the cases' file, as they are."""

    first_row: int
    """Row of the first line among the vectors, from 0."""
    numbers: list[int]
    """Line numbers, from 1."""
    lines: list[bytes]


class BadLine(NamedTuple):
    """A line that was left out."""

    number: int
    """From 1."""
    problem: str


class PreparedBlock(NamedTuple):
    """A block's rows, and the lines that have none."""

    rows: PreparedRows
    bad: list[BadLine]
    n_lines: int
    n_bytes: int
    """Size of the lines, for progress."""


def raw_blocks(path: Path, *, size: int = BLOCK) -> Iterator[RawBlock]:
    """Cut a file into blocks of lines, blank ones left out.

    Raises:
        InvalidInput: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            lines = ((number, line) for number, line in enumerate(file, start=1) if line.strip())
            first_row = 0
            while block := list(islice(lines, size)):
                yield RawBlock(first_row, [number for number, _ in block], [line for _, line in block])
                first_row += len(block)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from error


def open_vectors(path: str, dim: int) -> NDArray[Any]:
    """Map a matrix of vectors into memory.

    Args:
        path: a `.npy` file.
        dim: columns that it must have.

    Raises:
        InvalidInput: it is not a matrix of that many float32 or float16 columns.
    """
    try:
        matrix: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror or error}") from error
    except (ValueError, EOFError) as error:
        raise InvalidInput(f"{path} is not a .npy file: {error}") from error
    if matrix.ndim != 2 or matrix.dtype not in (np.float32, np.float16):
        raise InvalidInput(f"{path} holds {matrix.dtype} of shape {matrix.shape}, not a matrix of float32 or float16")
    if matrix.shape[1] != dim:
        raise InvalidInput(f"{path} has vectors of {matrix.shape[1]} numbers, and the bank's encoder makes {dim}")
    return matrix


def prepare(plan: LoadPlan, block: RawBlock) -> PreparedBlock:
    """Parse a block's lines and make the rows of its cases. Pure, so that it can run in another process."""
    maker = _maker(plan.namespace, plan.encoder, plan.status, plan.created_at)
    kept, given, places, bad = list[PlainCase | Case](), list[Any](), list[int](), list[BadLine]()
    matrix = None if plan.vectors is None else _block_vectors(plan, block)
    for place, (number, line) in enumerate(zip(block.numbers, block.lines, strict=True)):
        case, vector, problem = _parsed(number, line, plan.namespace)
        if case is None:
            bad.append(BadLine(number, problem))
            continue
        if matrix is not None:
            vector = matrix[place] if place < len(matrix) else None
        if problem := _vector_problem(vector, plan.dim):
            bad.append(BadLine(number, problem))
            continue
        kept.append(case)
        places.append(place)
        if matrix is None:
            given.append(vector)
    if matrix is None:
        units = unit_rows(np.array(given, np.float32)) if given else np.empty((0, plan.dim), np.float32)
    else:
        units = matrix if len(places) == len(matrix) else matrix[places]
    rows = [maker.plain(case) if isinstance(case, PlainCase) else maker.full(case) for case in kept]
    prepared = PreparedRows(rows, maker.vectors(rows, units), [case.state[:_HEAD_CHARS] for case in kept])
    return PreparedBlock(prepared, bad, len(block.lines), sum(map(len, block.lines)))


def texts_and_vectors(prepared: PreparedRows, n: int) -> tuple[list[str], NDArray[np.float32]]:
    """The first n short states with their unit rows, shape (n, dim): a sample to compare with the encoder's."""
    places = [place for place, head in enumerate(prepared.heads) if len(head) < _HEAD_CHARS][:n]
    units = [np.frombuffer(prepared.vectors[place][2], np.float32) for place in places]
    return [prepared.heads[place] for place in places], np.array(units, np.float32)


@lru_cache(maxsize=4)
def _maker(namespace: str, encoder: str, status: CaseStatus, created_at: str) -> RowMaker:
    return RowMaker(namespace=namespace, encoder=encoder, status=status, evaluator=IMPORT, created_at=created_at)


@lru_cache(maxsize=1)
def _matrix(path: str, dim: int) -> NDArray[Any]:
    return open_vectors(path, dim)


def _block_vectors(plan: LoadPlan, block: RawBlock) -> NDArray[np.float32]:
    """Unit rows of a block, shape (at most the block's lines, dim); zeros for a row that is not finite."""
    matrix = _matrix(str(plan.vectors), plan.dim)[block.first_row : block.first_row + len(block.lines)]
    rows = np.asarray(matrix, np.float32)
    squares_N = squared_norms(rows)
    if (np.abs(squares_N - 1) < _UNIT_TOLERANCE).all():  # as encoders make them: nothing to copy
        return rows
    return unit_rows(np.where(np.isfinite(squares_N)[:, None], rows, np.float32(0)))


def _vector_problem(vector: Any, dim: int) -> str:
    """What is wrong with a vector; of a matrix, lengths are right and what is not finite is zeros."""
    if vector is None:
        return "it has no vector"
    if isinstance(vector, np.ndarray):
        return "" if vector[0] or vector.any() else "its vector is all zeros or not finite"
    if not isinstance(vector, list) or len(vector) != dim:
        n_given = f"{len(vector)} numbers" if isinstance(vector, list) else type(vector).__name__
        return f"its vector is {n_given} instead of {dim} numbers"
    try:
        norm = float(np.linalg.norm(np.array(vector, np.float32)))
    except (TypeError, ValueError, OverflowError):
        return "its vector holds something else than numbers"
    return "" if 0 < norm < float("inf") else "its vector is all zeros or not finite"


def _parsed(number: int, line: bytes, namespace: str) -> tuple[PlainCase | Case | None, Any, str]:
    """A line's case and its own vector, or its problem."""
    try:
        row = _JSON.validate_json(line)
    except ValidationError:  # the slow way says what is wrong, or reads what this one does not
        row = None
    vector = row.pop("vector", None) if isinstance(row, dict) else None
    if isinstance(row, dict) and row.keys() <= _PLAIN and (plain := _plain(row)) is not None:
        return plain, vector, ""
    parsed = parse_line(number, line, namespace)
    if parsed.picture is not None:
        return None, vector, "it has a picture, which a bulk load does not take; `memento cases import` does"
    return parsed.case, vector, parsed.problem


def _plain(row: dict[str, Any]) -> PlainCase | None:
    """The case of a row of texts and a reward that need no change; None where they may."""
    state, action, reward = row.get("state"), row.get("action"), row.get("reward")
    answer, lesson = row.get("answer", ""), row.get("lesson", "")
    if not all(isinstance(text, str) for text in (state, action, answer, lesson)) or type(reward) not in _NUMBERS:
        return None
    is_short = len(state) <= MAX_STATE_CHARS and len(action) <= MAX_ACTION_CHARS  # type: ignore[arg-type]
    is_short = is_short and len(answer) <= MAX_ANSWER_CHARS and len(lesson) <= MAX_LESSON_CHARS
    if not is_short or not 0 <= reward <= 1 or not state.strip() or not action.strip():  # type: ignore[operator,union-attr]
        return None
    return PlainCase(state, action, float(reward), answer, lesson)  # type: ignore[arg-type]


def check_files(cases: Path, vectors: Path | None, dim: int) -> LoadFiles:
    """Look whether both files are there and fit the bank.

    Raises:
        InvalidInput: a file is missing, or the vectors are not the encoder's.
    """
    if not cases.is_file():
        raise InvalidInput(f"{cases} is not a file" if cases.exists() else f"there is no file {cases}")
    if vectors is not None:
        open_vectors(str(vectors), dim)
    return LoadFiles(cases, None if vectors is None else str(vectors.absolute()), cases.stat().st_size)
