"""The page: whatever it is given is text, and it asks for nothing outside itself."""

from html.parser import HTMLParser

import pytest

from memento.evals.report.blocks import (
    ArmFinding,
    Cards,
    CaseCard,
    Code,
    Facts,
    Findings,
    Grid,
    Note,
    PictureBlock,
    Section,
)
from memento.evals.report.drawing import Drawing
from memento.evals.report.page import render
from memento.evals.report.palette import looks
from memento.evals.runs.arm import parse_arm

ATTACK = "</td></style><script>alert('x')</script><img src=http://evil.invalid/x onerror=alert(1)>\"'&"
ARMS = [parse_arm("none"), parse_arm("similarity:k=8")]


class Seen(HTMLParser):
    """Elements, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page(text: str) -> str:
    blocks = [
        Note(text),
        Note(text, "warning"),
        PictureBlock(Drawing("curves", "<svg></svg>", b""), text),
        Grid(text, ["arm", text], [["none", text], ["similarity:k=8", text], [text, text]], arms=True),
        Findings([ArmFinding(text, text, text), ArmFinding("none", text, text, is_shown=True)]),
        Cards(text, [CaseCard(text, text, text, text, text, text)]),
        Facts([(text, text)]),
        Code(text),
    ]
    return render(text, text, [Section("first", text, blocks)], looks=looks(ARMS), footer=text)


def test_everything_is_shown_as_text_when_it_is_markup() -> None:
    hostile, harmless = Seen(page(ATTACK)), Seen(page("harmless"))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in harmless.tags]
    assert "script" not in {tag for tag, _ in hostile.tags}
    assert not [name for _, attributes in hostile.tags for name in attributes if name.startswith("on")]
    assert hostile.text.count(ATTACK) == harmless.text.count("harmless") > 20


def test_nothing_outside_is_asked_for() -> None:
    seen = Seen(page("harmless"))
    outside = [value for _, attributes in seen.tags for name in ("src", "href") if (value := attributes.get(name))]
    assert outside == ["#first"]
    policy = next(a["content"] for tag, a in seen.tags if tag == "meta" and a.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@pytest.mark.parametrize("arm", ["none", "similarity:k=8"])
def test_an_arm_has_its_colour_in_tables(arm: str) -> None:
    variable = looks(ARMS)[arm].tone.variable
    assert f'style="color:var({variable});border-top-style:solid"></span>{arm}</th>' in page("harmless")
