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

from benchmarks.made_layouts import LAYOUTS, documentation, foreign, long_report
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
    is_long = number % 2 == 1 or layout is long_report
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


def _blocks(chance: random.Random, layout: Callable[..., str], n_paragraphs: int) -> list[Block]:
    if layout is foreign:
        sentences = chance.choice(FOREIGN)
        return [_paragraph(" ".join(chance.sample(sentences, 6))) for _ in range(n_paragraphs)]
    makers: Sequence[Callable[[random.Random], Block]] = (_list, _table, _quote, _heading)
    if layout is documentation:
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
