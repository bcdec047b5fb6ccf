"""The main text of pages, hostile ones included; every page is read in a child process."""

import pytest

from memento.tools.web.extraction import MAX_HTML_CHARS, MIN_TEXT_CHARS, PageText, lighter, page_text
from memento.tools.web.visible_text import visible

STORY = "".join(f"<p>In year {number} the committee measured the old mill in the spring.</p>" for number in range(9))
PAGE = f"""<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html><head><title>The mill | Site</title>
<meta property="article:published_time" content="2024-05-06T07:08:09Z"><script>var hidden = 1;</script></head>
<body><nav><ul><li><a href="/">Home</a></li><li><a href="/c">Contact us</a></li></ul></nav>
<article><h1>The mill</h1>{STORY}<h2>Figures</h2>
<table><tr><th>Year</th><th>Share</th></tr><tr><td>1900</td><td>7</td></tr></table>
<ul><li>first point</li><li>second point</li></ul></article>
<div class="comments"><p>A comment of nobody.</p></div><footer>All rights reserved</footer></body></html>"""


async def test_the_main_text_is_found_with_title_and_date() -> None:
    page = await page_text(PAGE)
    assert (page.title, page.date, page.is_scripted) == ("The mill", "2024-05-06", False)
    assert "In year 8 the committee" in page.text
    assert "## Figures" in page.text
    assert "| 1900 | 7 |" in page.text
    assert "- second point" in page.text
    for noise in ("Contact us", "hidden", "A comment", "All rights"):
        assert noise not in page.text


async def test_all_text_is_given_when_there_is_no_main_text() -> None:
    page = await page_text("<html><head><title>A &amp; B</title></head><body><select></select>one<br>two</body></html>")
    assert (page.title, page.text.split()) == ("A & B", ["one", "two"])


async def test_nothing_is_given_when_a_page_is_empty() -> None:
    for html in ("", "<html><!-- --></html>"):
        assert await page_text(html) == PageText("", "", "")


async def test_a_page_is_known_to_be_made_by_scripts_when_it_shows_hardly_any_text() -> None:
    page = await page_text('<title>App</title><div id="root">Loading</div><script src="app.js"></script>')
    assert page.is_scripted
    assert not (await page_text(f"<body>{STORY}<script src=a.js></script></body>")).is_scripted


async def test_a_page_tells_where_it_sends_its_reader_on_to() -> None:
    page = await page_text('<meta http-equiv="Refresh" content="0; URL=\'/new/place\'">')
    assert page.forward == "/new/place"


async def test_control_characters_are_dropped() -> None:
    dirty = PAGE.replace("the old mill", "the \x1bold\x07 mill\u200b").replace("The mill", "The\x1b mill")
    page = await page_text(dirty)
    assert "the old mill in" in page.text
    assert page.title == "The mill"


async def test_punctuation_is_read_as_it_was_written() -> None:
    written = "snake_case, a[0], 5 * 3, x < y, ~z and C:\\dir"
    page = await page_text(PAGE.replace("<h2>", f"<p>{written.replace('<', '&lt;')} <code>b_c[1]\\_</code></p><h2>"))
    assert f"{written} `b_c[1]\\_`" in page.text


async def test_an_endless_nesting_still_gives_its_text() -> None:
    page = await page_text(f"<title>Deep</title>{'<div>' * 50_000}the deep text{'</div>' * 50_000}")
    assert page.text == "the deep text"


@pytest.mark.slow
@pytest.mark.parametrize(
    "html",
    [
        "<p>word" * 300_000,
        "<table><tr><td>word " * 50_000,
        "<!-" * 400_000 + "word " * 100,
    ],
    ids=["paragraphs", "tables", "comments"],
)
async def test_a_page_that_is_made_to_hurt_ends_in_its_text_or_none(html: str) -> None:
    page = await page_text(f"<html><head><title>T</title></head><body>{html}")
    assert len(page.text) <= MAX_HTML_CHARS
    assert page.text.lstrip()[:3] in html  # nothing; or, where the good reader was not in time, what stands there


def test_what_is_no_text_goes_first_when_a_page_is_too_heavy() -> None:
    heavy = (
        f"<script>{'x' * MAX_HTML_CHARS}</script><style>{'y' * MAX_HTML_CHARS}</style><!-- - {'z' * 9} --><p>text</p>"
    )
    assert lighter(heavy).strip() == "<p>text</p>"
    assert lighter(PAGE) == PAGE
    assert len(lighter("a" * 3_000_000)) == MAX_HTML_CHARS
    assert "Article" in lighter(f'<script type="application/ld+json">"Article"</script>{"<script>x</script>" * 90_000}')


@pytest.mark.parametrize("opening", ["<script ", "<!--", "<svg><", "<style>a<b"])
def test_making_a_page_lighter_takes_linear_time_when_tags_never_end(opening: str) -> None:
    assert len(lighter(opening * (3_000_000 // len(opening)))) <= MAX_HTML_CHARS  # quadratic would take hours


def test_words_are_parted_where_a_reader_sees_them_apart() -> None:
    seen = visible("<p>a<b>b</b>c</p><p>d</p><td>e</td><td>f</td><ul><li>g<li>h</ul>x<br/>y")
    assert seen.text == "abc\nd\ne f\ng\nh\nx\ny"
    assert len(seen.text) < MIN_TEXT_CHARS
    assert visible("x<sup>2</sup>, the 1<sup>st</sup>, H<sub>2</sub>O").text == "x^2, the 1st, H_2O"
    told = visible('<p>a</p><iframe src="https://example.org/m"></iframe><img alt="a mill">').text
    assert told.split("\n") == ["a", "[frame: https://example.org/m] [picture: a mill]"]


async def test_what_the_main_text_would_lose_is_put_into_words() -> None:
    table = "<table><tr><th rowspan=2>Year<th>North<tr><th>South<tr><td rowspan=2>1900<td>7<tr><td>8</table>"
    equation = "<math><msup><mi>c</mi><mn>2</mn></msup></math>"
    more = (
        f"{table}<p>The energy is m{equation} and 10<sup>-3</sup> of H<sub>2</sub>O on the 1<sup>st</sup> of May"
        '<sup><a href="#n">[4]</a></sup>; the report is <a href="files/r.pdf">here</a>, <a href="/p">there</a>.</p>'
        '<iframe src="/map" title="Map"></iframe><figure><img src="a.png" alt="A mill in spring"></figure><h2>'
    )
    page = await page_text(PAGE.replace("<h2>", more, 1), "https://example.org/sub/")
    assert "| Year | South |" in page.text
    assert "| 1900 | 7 |" in page.text
    assert "| 1900 | 8 |" in page.text
    assert "The energy is mc^2 and 10^-3 of H_2O on the 1st of May[4]" in page.text
    assert "the report is here (https://example.org/sub/files/r.pdf), there." in page.text
    assert "[frame: Map https://example.org/map]" in page.text
    assert "[picture: A mill in spring]" in page.text
