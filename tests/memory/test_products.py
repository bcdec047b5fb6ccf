"""Matrix products: right figures in every precision, and nothing in the memory that hands one to BLAS."""

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memento.memory.products import cosines, product, solved

MEMORY = Path(__file__).resolve().parents[2] / "memory"

WANTS_ALL_CORES = "lifecycle/coverage.py"
"""Compares whole banks for one command, in a thread of its own: there every core is welcome."""

BLAS = {
    *("dot", "vdot", "inner", "outer", "matmul", "tensordot", "einsum", "einsum_path", "vecdot", "matvec", "vecmat"),
    *("corrcoef", "cov", "polyfit", "convolve", "correlate", "linalg"),
}
"""Of numpy: what multiplies through OpenBLAS, which starts a thread on every core."""

ON_ONE_CORE = {
    ("products.py", "numpy.einsum"),  # plain loops, unless it is told to optimise
    ("products.py", "numpy.vecdot"),  # BLAS's dot, row by row, which starts threads from 10,000 numbers a row
}


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_products_are_those_of_numpy_when_shapes_differ(precision: type) -> None:
    chance = np.random.default_rng(0)
    matrix = chance.normal(size=(7, 5)).astype(precision)
    vector = chance.normal(size=5).astype(precision)
    for left, right in ((matrix, vector), (matrix, matrix.T), (vector, vector), (matrix[:0], vector)):
        made = product(left, right)
        assert made.dtype == precision
        np.testing.assert_allclose(made, left @ right, rtol=1e-5)
    square = matrix[:5] + 5 * np.eye(5, dtype=precision)
    np.testing.assert_allclose(solved(square, vector), np.linalg.solve(square, vector), rtol=1e-4)


def test_cosines_are_those_of_numpy_when_rows_are_single_precision() -> None:
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(300, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    made = cosines(rows, rows[3])
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, rows @ rows[3], atol=1e-6)
    assert cosines(rows[:0], rows[3]).shape == (0,)


def test_vectors_as_the_ledger_gives_them_are_multiplied_without_a_warning() -> None:
    kept = np.frombuffer(np.ones(4, np.float32).tobytes(), np.float32)  # read-only
    assert product(kept, kept) == 4.0
    assert not kept.flags.writeable


def test_precisions_are_not_mixed_when_one_operand_is_double() -> None:
    with pytest.raises(RuntimeError):
        product(np.ones(3, np.float32), np.ones(3))  # type: ignore[misc]


def test_nothing_in_the_memory_multiplies_by_blas() -> None:
    found = [
        f"{path.relative_to(MEMORY)}:{line}: {what}"
        for path in sorted(MEMORY.rglob("*.py"))
        if str(path.relative_to(MEMORY)) != WANTS_ALL_CORES
        for line, what in products(path.read_text(encoding="utf-8"))
        if (path.name, what) not in ON_ONE_CORE
    ]
    assert not found, f"use memory/products.py, or torch.matmul on tensors: {found}"


@pytest.mark.parametrize(
    "code",
    [
        "a @ b",
        "a @= b",
        "a.dot(b)",
        "import numpy as np\nnp.einsum('i,i', a, b)",
        "import numpy\nnumpy.linalg.solve(a, b)",
        "from numpy import dot",
        "from numpy.linalg import solve",
        "import numpy.linalg",
    ],
)
def test_the_guard_sees_a_product_however_it_is_written(code: str) -> None:
    assert list(products(code))


def test_the_guard_lets_torch_and_lengths_pass() -> None:
    code = "import numpy as np, torch\ntorch.matmul(a, b)\ntorch.linalg.solve(a, b)\nnp.linalg.norm(a, axis=1)"
    assert list(products(code)) == []


def products(code: str) -> Iterator[tuple[int, str]]:
    """Lines that may multiply by BLAS. `@` is refused on tensors too: what it is applied to cannot be seen here."""
    tree = ast.parse(code)
    lengths = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "norm"}
    numpy = {"numpy", "np"}
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult):
            yield node.lineno, "@"
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "numpy":
            taken = {*(node.module or "").split("."), *(alias.name for alias in node.names)} & BLAS
            yield from ((node.lineno, f"numpy.{name}") for name in sorted(taken))
        elif isinstance(node, ast.Import):
            taken = {part for alias in node.names if alias.name.startswith("numpy.") for part in alias.name.split(".")}
            yield from ((node.lineno, f"numpy.{name}") for name in sorted(taken & BLAS))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in numpy:
            if node.attr in BLAS and id(node) not in lengths:
                yield node.lineno, f"numpy.{node.attr}"
        elif isinstance(node, ast.Attribute) and node.attr == "dot":
            yield node.lineno, ".dot"
