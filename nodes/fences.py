"""Fences untrusted text between tags that it cannot close or imitate (prompt injection defence).

Everything that looks like one of our tags loses its bracket: in other cases, widths and alphabets, with blanks or
invisible characters in it. So do the markers by which chat templates tell roles apart, because servers read them in
the text as well. What is invisible, or moves a terminal's cursor, is taken out.
"""

import re
import unicodedata
from typing import Final

TAGS: Final = (
    "task",
    "case",
    "result",
    "tool_result",
    "attachments",
    "rejected",
    "subtask",
    "references",
    "answer",
    "history",
    "summary",
    "said",
    "lesson",
    "skill",
    "observation",
    "actions",
    "verdict",
)
"""All tags that prompts use."""

_LONGEST_TAG: Final = 200
"""How far after a bracket a tag's name is looked for, blanks and invisible characters included."""

_BRACKET: Final = re.compile(r"[<\uff1c\ufe64\u2039\u2329\u27e8\u3008\u276e]")
_BEFORE_NAME: Final = re.compile(r"[\s/\\\u2044\u2215\u29f8]*")
_IS_OURS: Final = re.compile(rf"(?:{'|'.join(sorted(TAGS, key=len, reverse=True))})(?!\w)")
_LOOKALIKES: Final = str.maketrans("асԁеһіјкӏорԛѕтυѵԝхуαεικνορτ", "acdehijklopqstuvwxyaeiknopt")

# <|im_start|> and the like, <start_of_turn>, <s>, [INST], <<SYS>>, <system>.
_TURN_MARKER: Final = re.compile(
    r"<(?=\s*[|\uff5c])"
    r"|<(?=\s*/?\s*(?:start_of_turn|end_of_turn|s|bos|eos|system|sys)\s*>)"
    r"|<(?=<\s*/?\s*sys)"
    r"|\[(?=\s*/?\s*(?:inst|system_prompt|available_tools|tool_calls|tool_results)\s*\])",
    re.IGNORECASE,
)
_ESCAPES: Final = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -~]?")
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls, but for tab and the ends of lines
    "\u202a-\u202e\u2066-\u2069"  # what turns the direction of text
    "\U000e0000-\U000e007f]"  # letters that nobody sees
)


def fence(tag: str, text: str, **attributes: str) -> str:
    """Put text between tags that it cannot close."""
    marks = "".join(f' {name}="{_quotable(value)}"' for name, value in attributes.items())
    return f"<{tag}{marks}>\n{harmless(text)}\n</{tag}>"


def harmless(text: str) -> str:
    """Return a text in which nothing stands for a tag of ours or for another role."""
    text = _INVISIBLE.sub("", _ESCAPES.sub("", text))
    text = _BRACKET.sub(_without_our_tags, text)
    return _TURN_MARKER.sub(lambda found: "&lt;" if found[0] == "<" else "&#91;", text)


def _without_our_tags(bracket: re.Match[str]) -> str:
    following = bracket.string[bracket.end() : bracket.end() + _LONGEST_TAG]
    if not following.isascii():
        following = unicodedata.normalize("NFKC", following)
        following = "".join(c for c in following if unicodedata.category(c) not in ("Cf", "Mn", "Cc") or c.isspace())
        following = following.lower().translate(_LOOKALIKES)
    name = _BEFORE_NAME.sub("", following, count=1).lower()
    return "&lt;" if _IS_OURS.match(name) else bracket[0]


def _quotable(value: str) -> str:
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("_", value))
    plain = _TURN_MARKER.sub("_", _BRACKET.sub("_", plain))
    return "".join(character if character not in '">\r\n' else "_" for character in plain)
