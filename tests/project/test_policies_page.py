"""docs/policies.md is true: its snippets run, and its table names what memento.testing offers."""

import re
from pathlib import Path

import pytest

from memento import testing

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
SNIPPETS = dict(re.findall(r"<!-- snippet:(\w+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))


@pytest.mark.parametrize(
    ("name", "printed"),
    [("open", "epsilon_nearest [1.0, 0.95]\n"), ("check", "['few candidates', 'no case twice']\n")],
)
def test_a_snippet_does_what_the_page_says(name: str, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(f"{SNIPPETS['policy']}\n{SNIPPETS[name]}", {"__name__": "snippet"})  # noqa: S102  our own page
    assert capsys.readouterr().out == printed


def test_the_page_names_all_that_is_offered_and_another_page_leads_to_it() -> None:
    assert [name for name in testing.__all__ if f"`{name}" not in PAGE] == []
    assert "(policies.md)" in (ROOT / "docs" / "choosing-a-policy.md").read_text(encoding="utf-8")
