"""Web pages whose main text is known, because they are made here: layouts as sites have them, text with a question.

Everything follows from the seed. The questions and answers are the reference's recorded ones, or made up where those
are absent; the prose around them is drawn from small grammars and sentences in seven languages.
"""

import json
import random
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from benchmarks.made_prose import FOREIGN, paragraph, sentence, title
from benchmarks.recorded import RECORDED, made_up

MAX_ANSWER_CHARS = 80


class Block(NamedTuple):
    """A part of the main text: its HTML, and its words as a reader sees them."""

    html: str
    text: str


class MadePage(NamedTuple):
    """A page, what of it is its main text, and a question that one sentence of it answers."""

    path: str
    html: str
    main_text: str
    question: str
    answer_sentence: str


def made_pages(n: int, *, seed: int = 0) -> list[MadePage]:
    """Make pages; every layout in turn, about half of them long."""
    chance = random.Random(seed)
    asked = questions(chance, n)
    return [_page(chance, number, question, answer) for number, (question, answer) in enumerate(asked)]


def questions(chance: random.Random, n: int) -> list[tuple[str, str]]:
    """Draw questions, each with its answer."""
    file = RECORDED / "deepresearcher.jsonl"
    if not file.exists():
        return [(f"What is {made_up(chance)} {number}?", f"answer {number}") for number in range(n)]
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    pairs = [(row["question"].strip(), row["ground_truth"].split("<|answer_split|>")[0].strip()) for row in rows]
    short = [(question, answer) for question, answer in pairs if answer and len(answer) <= MAX_ANSWER_CHARS]
    return chance.sample(short, n)


def _page(chance: random.Random, number: int, question: str, answer: str) -> MadePage:
    layout = LAYOUTS[number % len(LAYOUTS)]
    is_long = number % 2 == 1 or layout is _long_report
    subject = _subject(question)
    answer_sentences = _answer(chance, subject, answer)
    blocks = _blocks(chance, layout, n_paragraphs=chance.randint(22, 60) if is_long else chance.randint(4, 9))
    # Where words of the question lead astray: more of them the longer the page is.
    stray = [
        _paragraph(f"{sentence(chance)} {_mention(chance, subject, question)} {sentence(chance)}")
        for _ in range(3 + len(blocks) // 4)
    ]
    told = _paragraph(f"{sentence(chance)} {' '.join(answer_sentences)} {sentence(chance)}")
    for block in [*stray, told]:
        blocks.insert(chance.randrange(len(blocks) + 1), block)
    heading = title(chance)
    html = layout(chance, heading, "\n".join(block.html for block in blocks))
    text = "\n".join(block.text for block in blocks)
    return MadePage(f"/pages/{number}", html, text, question, answer_sentences[-1])


def _subject(question: str) -> str:
    """Take from a question what it is about: its longest run of names, else its last words."""
    words = question.rstrip("?. ").split()
    runs = re.findall(r"(?:[A-Z][\w'-]*)(?:\s+(?:of|the|and|de)?\s*[A-Z][\w'-]*)*", " ".join(words[1:]))
    return max(runs, key=len) if runs else " ".join(words[-3:])


def _answer(chance: random.Random, subject: str, answer: str) -> list[str]:
    """Answer without the question's other words; sometimes the subject was named only a sentence before."""
    return chance.choice(
        [
            [f"For {subject} the sources agree on {answer}."],
            [f"As to {subject}, the record has {answer}, and nothing later contradicts it."],
            [f"Much has been said of {subject}.", f"What remains when all of it is weighed is {answer}."],
        ]
    )


def _mention(chance: random.Random, subject: str, question: str) -> str:
    """Use words of the question without answering it."""
    words = [word for word in re.findall(r"\w{4,}", question) if word not in subject] or [subject]
    return chance.choice(
        [
            f"{subject} is not the concern of this section.",
            f"Others would have begun with {subject} instead.",
            f"A visitor once compared it with {subject}, to general amusement.",
            f"Nobody here could say anything of use about {' or '.join(chance.sample(words, min(3, len(words))))}.",
            f"The index lists {chance.choice(words)} and {subject.rsplit(maxsplit=1)[-1]} on pages that were torn out.",
        ]
    )


# --- the main text


def _blocks(chance: random.Random, layout: Callable[..., str], n_paragraphs: int) -> list[Block]:
    if layout is _foreign:
        sentences = chance.choice(FOREIGN)
        return [_paragraph(" ".join(chance.sample(sentences, 6))) for _ in range(n_paragraphs)]
    makers: Sequence[Callable[[random.Random], Block]] = (_list, _table, _quote, _heading)
    if layout is _documentation:
        makers = (*makers, _code, _code)
    blocks: list[Block] = []
    for position in range(n_paragraphs):
        if position and chance.random() < 0.3:
            blocks.append(chance.choice(makers)(chance))
        blocks.append(_paragraph(paragraph(chance), chance))
    return blocks


def _paragraph(text: str, chance: random.Random | None = None) -> Block:
    words = [escape(word) for word in text.split()]
    if chance:
        for tag in ("<b>{}</b>", '<a href="/about">{}</a>', "<em>{}</em>"):
            at = chance.randrange(len(words))
            words[at] = tag.format(words[at])
    return Block(f"<p>{' '.join(words)}</p>", text)


def _heading(chance: random.Random) -> Block:
    text = title(chance)
    return Block(f"<h2>{text}</h2>", text)


def _list(chance: random.Random) -> Block:
    items = [sentence(chance) for _ in range(chance.randint(3, 6))]
    tag = chance.choice(["ul", "ol"])
    return Block(f"<{tag}>{''.join(f'<li>{item}</li>' for item in items)}</{tag}>", "\n".join(items))


def _table(chance: random.Random) -> Block:
    rows = [["Place", "Year", "Share"]]
    rows += [[title(chance), str(chance.randint(1700, 2024)), f"{chance.randint(1, 99)}"] for _ in range(5)]
    head = "".join(f"<th>{cell}</th>" for cell in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows[1:])
    html = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return Block(html, "\n".join(" ".join(row) for row in rows))


def _quote(chance: random.Random) -> Block:
    text = sentence(chance)
    return Block(f"<blockquote><p>{text}</p></blockquote>", text)


def _code(chance: random.Random) -> Block:
    names = [title(chance).split()[0].lower() for _ in range(3)]
    text = (
        f"def {names[0]}({names[1]}):\n    return {names[1]} + {chance.randint(2, 99)}\n\nprint({names[0]}({names[2]}))"
    )
    return Block(f'<pre><code class="language-python">{text}</code></pre>', text)


# --- what stands around it


def _links(chance: random.Random, n: int) -> str:
    """List so many links, times five: menus are long."""
    return "".join(f'<li><a href="/{number}">{title(chance)}</a></li>' for number in range(5 * n))


def _head(chance: random.Random, heading: str) -> str:
    date = f"{chance.randint(2015, 2025)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{heading} | Example Site</title>'
        f'<meta property="article:published_time" content="{date}"><style>.x{{color:red}}</style>'
        f'<script>window.config = {{"a": [1, 2, 3], "t": "not to be seen"}};</script></head>'
    )


def _cookies() -> str:
    return (
        '<div id="cookie-banner" class="cookie-consent" role="dialog"><p>We and our 812 partners store and access '
        "information on your device. You can change your choice at any time.</p><button>Accept all</button>"
        "<button>Reject</button></div>"
    )


def _comments(chance: random.Random) -> str:
    said = "".join(
        f'<div class="comment"><span class="author">user{chance.randint(1, 999)}</span><p>{paragraph(chance)}</p></div>'
        for _ in range(chance.randint(5, 25))
    )
    return (
        f'<section id="comments" class="comments"><h3>Comments</h3>{said}<form><textarea></textarea></form></section>'
    )


def _related(chance: random.Random) -> str:
    teasers = "".join(
        f'<div class="teaser"><h4><a href="/r">{title(chance)}</a></h4><p>{sentence(chance)}</p></div>'
        for _ in range(chance.randint(4, 16))
    )
    return f'<aside class="related"><h3>Read next</h3>{teasers}</aside>'


def _footer(chance: random.Random) -> str:
    return (
        f'<footer class="site-footer"><ul>{_links(chance, 8)}</ul><p>Copyright 2025 Example Media. All rights '
        f"reserved. Terms of use, privacy and imprint. {paragraph(chance)}</p></footer>"
    )


def _ad() -> str:
    return '<div class="advert ad-slot"><span>Advertisement</span><a href="//ads.example">40 % off all shoes</a></div>'


def _with_ads(body: str) -> str:
    """Put an advertisement between paragraphs, now and then."""
    parts = body.split("</p>\n")
    return "".join(f"{part}</p>\n{_ad() if at % 6 == 3 else ''}" for at, part in enumerate(parts[:-1])) + parts[-1]


# --- layouts


def _news(chance: random.Random, heading: str, body: str) -> str:
    return (
        f"{_head(chance, heading)}<body>{_cookies()}<header><nav><ul>{_links(chance, 12)}</ul></nav></header><main>"
        f'<article class="story"><h1>{heading}</h1><div class="byline">By A. Writer</div>'
        f'<div class="story-body">{_with_ads(body)}</div><div class="share"><a href="#">Share</a> <a href="#">Tweet</a>'
        f"</div></article>{_related(chance)}</main>{_comments(chance)}{_footer(chance)}</body></html>"
    )


def _blog(chance: random.Random, heading: str, body: str) -> str:
    return (
        f'{_head(chance, heading)}<body class="single"><div id="header"><a href="/">A blog</a></div><div id="content">'
        f'<div class="post hentry"><h1 class="entry-title">{heading}</h1><div class="entry-content">{body}</div>'
        f'<p class="tags">Tags: <a href="/t">one</a>, <a href="/t">two</a></p></div>{_comments(chance)}</div>'
        f'<div id="sidebar"><h3>Archive</h3><ul>{_links(chance, 15)}</ul></div>{_footer(chance)}</body></html>'
    )


def _documentation(chance: random.Random, heading: str, body: str) -> str:
    return (
        f'{_head(chance, heading)}<body><nav class="sidebar"><ul>{_links(chance, 30)}</ul></nav>'
        f'<main role="main"><div class="breadcrumbs"><a href="/">Docs</a> / <a href="/x">Guide</a></div>'
        f'<div class="document"><h1>{heading}</h1>{body}</div><div class="pager"><a href="/p">Previous</a>'
        f'<a href="/n">Next</a></div></main><nav class="toc"><ul>{_links(chance, 6)}</ul></nav>'
        f"{_footer(chance)}</body></html>"
    )


def _encyclopedia(chance: random.Random, heading: str, body: str) -> str:
    return (
        f'{_head(chance, heading)}<body><div id="mw-navigation"><ul>{_links(chance, 20)}</ul></div>'
        f'<div id="content" class="mw-body"><h1 id="firstHeading">{heading}</h1><div id="mw-content-text">'
        f'<div class="mw-parser-output"><div id="toc" class="toc"><ul>{_links(chance, 5)}</ul></div>{body}'
        f'<div class="navbox"><ul>{_links(chance, 25)}</ul></div></div></div>'
        f'<div id="catlinks"><ul>{_links(chance, 6)}</ul></div></div>{_footer(chance)}</body></html>'
    )


def _forum(chance: random.Random, heading: str, body: str) -> str:
    return (
        f'{_head(chance, heading)}<body><div class="topbar"><ul>{_links(chance, 6)}</ul></div><div class="question">'
        f'<h1>{heading}</h1><div class="post-text">{body}</div></div><div class="hot-questions"><h4>Hot questions</h4>'
        f"<ul>{_links(chance, 20)}</ul></div>{_footer(chance)}</body></html>"
    )


def _shop(chance: random.Random, heading: str, body: str) -> str:
    return (
        f'{_head(chance, heading)}<body>{_cookies()}<div class="menu"><ul>{_links(chance, 18)}</ul></div>'
        f'<div class="container"><div class="row"><div class="col-8 product-description"><h1>{heading}</h1>{body}</div>'
        f'<div class="col-4 buy"><button>Add to basket</button><p>Free delivery from 50</p></div></div></div>'
        f"{_related(chance)}{_footer(chance)}</body></html>"
    )


def _government(chance: random.Random, heading: str, body: str) -> str:
    """Lay out with tables, without a single telling name."""
    return (
        f'{_head(chance, heading)}<body bgcolor="#ffffff"><table width="100%"><tr><td colspan="2"><a href="/">Home</a> '
        f'<a href="/c">Contact</a></td></tr><tr><td width="20%" valign="top"><ul>{_links(chance, 10)}</ul></td>'
        f'<td valign="top"><h1>{heading}</h1>{body}</td></tr></table><hr><p><a href="/i">Imprint</a></p></body></html>'
    )


def _hashed(chance: random.Random, heading: str, body: str) -> str:
    """Lay out with the meaningless class names of a build tool."""
    one, two, three = (f"css-{chance.randrange(16**6):06x}" for _ in range(3))
    return (
        f'{_head(chance, heading)}<body><div id="root"><div class="{one}">'
        f'<div class="{two}"><ul>{_links(chance, 9)}</ul></div>'
        f'<div class="{three}"><div class="{two}"><h1>{heading}</h1></div><div class="{one}">{body}</div></div>'
        f'<div class="{two}"><ul>{_links(chance, 14)}</ul></div></div></div>{_footer(chance)}</body></html>'
    )


def _long_report(chance: random.Random, heading: str, body: str) -> str:
    return (
        f'{_head(chance, heading)}<body><header><a href="/">Institute</a><nav><ul>{_links(chance, 7)}</ul></nav>'
        f"</header><article><header><h1>{heading}</h1></header>{body}</article>"
        f'<div class="newsletter"><h3>Newsletter</h3><p>Get our findings by mail every week.</p><input></div>'
        f"{_footer(chance)}</body></html>"
    )


def _foreign(chance: random.Random, heading: str, body: str) -> str:
    return _news(chance, heading, body)


LAYOUTS: tuple[Callable[[random.Random, str, str], str], ...] = (
    _news,
    _blog,
    _documentation,
    _encyclopedia,
    _forum,
    _shop,
    _government,
    _hashed,
    _long_report,
    _foreign,
    _foreign,
)
