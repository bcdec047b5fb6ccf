"""Pages of docs/ are true: generated parts are fresh, tables name what is there, code is run."""

import re
import tomllib
from pathlib import Path

import pytest

from docs import refresh
from docs.builder.navigation import DOCS, sections, title
from docs.builder.repository import ROOT
from memento.graph.settings import Settings
from memento.graph.variables.names import variable
from memento.memory.policies.registry import POLICY_NAMES

PAGES = sorted(page for page in DOCS.rglob("*.md") if "adr" not in page.parts)
QUESTIONS = DOCS / "questions.md"


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def test_generated_parts_are_fresh() -> None:
    assert refresh.stale() == [], "run `make docs`"


def test_every_dependency_is_justified() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    table = text_of("install.md")
    named = [re.split(r"[\[<>=]", spec)[0] for spec in project["dependencies"]]
    assert [name for name in named if name not in table] == []
    assert [extra for extra in project["optional-dependencies"] if f"`{extra}`" not in table] == []


def test_every_policy_is_explained() -> None:
    assert [name for name in POLICY_NAMES if f"| `{name}` |" not in text_of("choosing-a-policy.md")] == []


def test_every_make_target_is_named() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = re.search(r"`make help` lists the other targets: (.*?)\.", text_of("install.md"), re.DOTALL)
    assert listed
    named = {"test", "help", *re.findall(r"`([\w-]+)`", listed.group(1))}
    assert named == set(re.findall(r"^([\w-]+):.*##", makefile, re.MULTILINE))


def test_every_setting_is_in_the_env_example_and_on_its_page() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([A-Z_0-9]+)` \|", text_of("settings.md"), re.MULTILINE)
    assert sorted(named) == sorted(variable(name, Settings.model_fields) for name in Settings.model_fields)
    assert [name for name in named if name not in example] == []
    assert all(line.startswith("#") or not line.strip() for line in example.splitlines())


def test_every_page_has_a_place_in_the_navigation() -> None:
    placed = [page for section in sections() for page in section.pages]
    assert [page for page in PAGES if page not in placed] == []
    assert len(set(map(title, placed))) == len(placed)


def test_questions_have_pages_that_answer_and_are_two_clicks_from_the_readme() -> None:
    rows = re.findall(r"(?m)^\| ([^|]+\?) \|[^\n]*\| \[[^\]]+\]\(([^)]+)\) \|$", QUESTIONS.read_text(encoding="utf-8"))
    assert len(rows) >= 25
    assert len({question for question, _ in rows}) == len(rows)
    assert "/docs/questions.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_that_begins_with_an_import_is_run(page: Path) -> None:
    """Such a block claims to be whole: a test runs it by its mark, or it says that it is untried."""
    blocks = re.findall(r"([^\n]*)\n```python\n(?:import|from) ", page.read_text(encoding="utf-8"))
    marks = re.compile(r"<!-- (runs[a-z ]*|untried|snippet:\w+|quickstart:\w+|\w+_quick_start:start) -->")
    assert [above for above in blocks if not marks.fullmatch(above)] == []
