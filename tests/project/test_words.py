"""Docstrings, help and errors are in plain, searchable words: none of the phrases below is in them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.defined_names import ROOMS, ROOT

BANNED = {
    r"(?<!there )\b(is|are) none\b": "is not a valid ...",
    r"\bwhoever\b": "the caller, anyone who",
    r"\bnobody knows\b": "is unknown",
    r"\bmend(s|ed|ing)?\b": "fix, correct, repair",
    r"^what its\b": "name the thing",
    r"\bof all that\b": "name the thing",
    r"\bwhat came of\b": "outcome",
    r"\bgoes? on where\b": "resumes",
    r"\btakes? (that|it) back\b": "reverts, undoes",
    r"\bby lot\b": "at random",
    r"\bis believed\b": "confidence, posterior",
    r"\bknows nothing yet\b": "untrained",
    r"\bspeaks? (for|against)\b": "is evidence for",
    r"\bthis should not have happened\b": "unexpected error",
}


def first_lines(nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    """First lines of the docstrings of a module and of its public classes and functions."""
    public = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in nodes:
        if isinstance(node, ast.Module) or (isinstance(node, public) and not node.name.startswith("_")):
            yield getattr(node, "lineno", 1), (ast.get_docstring(node, clean=False) or "").strip().split("\n")[0]


def spoken(nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    """Texts of `help=` and of raised errors, those of f-strings without what is filled in."""
    for node in nodes:
        values: list[ast.expr] = []
        if isinstance(node, ast.Call):
            values = [keyword.value for keyword in node.keywords if keyword.arg == "help"]
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            values = [*node.exc.args, *(keyword.value for keyword in node.exc.keywords)]
        for value in values:
            for part in ast.walk(value):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.lineno, part.value


def banned(text: str) -> list[str]:
    return [f"{pattern} -> {better}" for pattern, better in BANNED.items() if re.search(pattern, text, re.IGNORECASE)]


def faults(source: str) -> list[str]:
    nodes = list(ast.walk(ast.parse(source)))
    texts = [*first_lines(nodes), *spoken(nodes)]
    # None, the value, is written with a capital letter
    return [f"{line}: {text}: {found}" for line, text in texts for found in banned(text.replace(" is None", ""))]


def sources() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def test_docstrings_help_and_errors_have_no_banned_phrase() -> None:
    files = sources()
    assert len(files) > 300
    found = {path: faults(path.read_text(encoding="utf-8")) for path in files}
    assert [f"{path.relative_to(ROOT)}:{fault}" for path, those in found.items() for fault in those] == []


@pytest.mark.parametrize(
    "source",
    [
        '"""What its commands are."""',
        'class Case:\n    """What came of a case."""',
        'def read():\n    """Serves whoever asks."""',
        'option(help="Say how to mend it.")',
        'raise ValueError(f"the URL {url!r} is none")',
        'raise Refused(name, reason="it is none")',
    ],
)
def test_banned_phrase_is_found(source: str) -> None:
    assert len(faults(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        '"""Find a case; empty where there is none."""',
        '"""Raise unless the value is None or in [0, 1]."""',
        'def _read():\n    """Serves whoever asks."""',
        'raise ValueError(f"the URL {whoever!r} is not valid")',
    ],
)
def test_plain_text_is_not_a_fault(source: str) -> None:
    assert faults(source) == []
