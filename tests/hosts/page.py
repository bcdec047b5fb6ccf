"""The snippets of docs/hosts.md."""

import re

from tests.example_runs import ROOT

PAGE = (ROOT / "docs" / "hosts.md").read_text(encoding="utf-8")


def snippets(mark: str) -> list[str]:
    """The code behind each comment with this text."""
    return re.findall(rf"<!-- {mark} -->\n```python\n(.*?)```", PAGE, re.DOTALL)


def run_snippet(code: str) -> None:
    """Run a snippet as a program, in this process."""
    exec(compile(code, "docs/hosts.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own page
