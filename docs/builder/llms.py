"""llms.txt: the site's pages for language models, a line for each."""

import re
from pathlib import Path

from docs.builder.navigation import Section, title
from docs.builder.staging import staged_name


def llms_text(sections: list[Section], about: str) -> str:
    """The file's text.

    Args:
        sections: of the navigation.
        about: the project in a sentence.
    """
    lines = ["# Memento on LangGraph", "", f"> {about}"]
    for section in sections:
        lines += ["", f"## {section.title}", ""]
        lines += [f"- [{title(page)}]({staged_name(page)}): {summary(page)}" for page in section.pages]
    return "\n".join(lines) + "\n"


def summary(page: Path) -> str:
    """First sentence of a page's first paragraph, on one line and without links."""
    for block in page.read_text(encoding="utf-8").split("\n\n")[1:]:
        if re.match(r"[A-Za-z*\"]|`[^`]", block.strip()):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(block.split()))
            return re.split(r"(?<=[.?])\s", text)[0].rstrip(":")
    return title(page)
