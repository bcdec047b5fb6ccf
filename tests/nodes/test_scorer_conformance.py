"""Exact match and token F1 on pairs made by hand, against values put down by hand and a second way to compute them."""

import unicodedata
from collections.abc import Iterator
from fractions import Fraction

import pytest

from memento.nodes.scoring import exact_match, token_f1
from tests.scorer_pairs import PAIRS

DASHES = "\u2010\u2011\u2012\u2013\u2212"


def letters(text: str) -> list[str]:
    """One kind of dash, apostrophe and separator; raised signs behind a `^`; taken apart; nothing invisible."""
    plain = ""
    for place, letter in enumerate(text):
        before, after = text[:place][-1:], text[place + 1 : place + 5]
        is_group = after[:3].isdecimal() and len(after) >= 3 and not after[3:].isdecimal()
        if unicodedata.decomposition(letter).startswith("<super>"):
            plain += "" if unicodedata.decomposition(before or " ").startswith("<super>") else "^"
        if letter not in "\u00a0\u2009\u202f" or not before.isdecimal() or not is_group:
            plain += {"\u066b": ".", "\u066c": ",", "\u00b4": "'", "\u02bb": "'", "\u02bc": "'"}.get(letter, letter)
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", plain).casefold())
    return ["-" if letter in DASHES else letter for letter in apart if unicodedata.category(letter) != "Cf"]


def value(text: str) -> tuple[Fraction, str] | None:
    """The number that a text is, read from left to right, and its unit."""
    left, unit = "".join(letters(text)).strip().removesuffix(".").strip(), ""
    for code, sign in (("usd", "$"), ("eur", "\u20ac")):
        left = left.replace(f"{code} ", sign).replace(f" {code}", sign)
    is_negative = False
    for _ in range(2):  # a sign and a currency, in any order
        if left[:1] in ("-", "+"):
            is_negative, left = left[0] == "-", left[1:].strip()
        if left[:1] in tuple("$\u20ac\u00a3\u00a5"):
            left, unit = left[1:].strip(), left[0]
    if left[-1:] in tuple("$\u20ac\u00a3\u00a5%"):
        left, unit = left[:-1].rstrip(), left[-1]
    mantissa, _, power = left.partition("e")
    whole, _, part = mantissa.partition(".")
    whole = whole.replace(",", "") if "," not in whole or are_thousands(whole) else "?"
    if not (whole + part).isdecimal() or (power and not power.lstrip("+-").isdecimal()):
        return None
    found = Fraction(int(whole + part), 10 ** len(part)) * Fraction(10) ** int(power or 0)
    return (-found if is_negative else found), unit


def are_thousands(digits: str) -> bool:
    first, *groups = digits.split(",")
    return 1 <= len(first) <= 3 and first[0] != "0" and all(len(group) == 3 for group in groups)


def kept(text: list[str]) -> Iterator[str]:
    """The letters that are content."""
    for place, letter in enumerate(text):
        is_symbol = letter.isascii() and letter.isprintable() and not letter.isalnum() and letter != " "
        left, right = "".join(text[:place]), "".join(text[place + 1 :])
        is_needed = (letter == "-" and is_minus(left, right)) or (letter == "." and is_point(left, right))
        is_needed |= letter == "^" and right.removeprefix("-")[:1].isalnum()
        is_needed |= letter == "," and is_comma(left, right)
        if is_needed or not (is_symbol or unicodedata.category(letter)[0] == "P"):
            yield letter


def is_comma(left: str, right: str) -> bool:
    before, after = left[len(left.rstrip("0123456789,")) :], right[: len(right) - len(right.lstrip("0123456789,"))]
    is_between = left[-1:].isdecimal() and right[:1].isdecimal()
    return is_between and not are_thousands(f"{before},{after}")


def is_minus(left: str, right: str) -> bool:
    return (left[-1:] in ("", "(", "^") or left[-1:].isspace()) and right.removeprefix(".")[:1].isdecimal()


def is_point(left: str, right: str) -> bool:
    after = right.lstrip("0123456789")
    head = left.rstrip("0123456789")
    if after == right or (after[:1] == "." and after[1:2].isdecimal()):
        return False
    return not head.endswith(".") if head != left else not head[-1:].isalnum()


def words(text: str) -> list[str]:
    return [word for word in "".join(kept(letters(text))).split() if word not in ("a", "an", "the")]


def second_opinion(answer: str, reference: str) -> tuple[bool, Fraction]:
    """Exact match and F1, by precision and recall over words that are crossed out one by one."""
    one, other = value(answer), value(reference)
    if one is not None and other is not None:
        is_same = one[0] == other[0] and (one[1] == other[1] or not one[1] or not other[1])
        return is_same, Fraction(is_same)
    given, wanted = words(answer), words(reference)
    is_same = given == wanted
    if not wanted:
        bare, bare_wanted = ("".join(kept(letters(text))).split() for text in (answer, reference))
        is_same = bare == bare_wanted if bare_wanted else answer.strip().lower() == reference.strip().lower()
    if is_same:
        return True, Fraction(1)
    left, n_common = list(wanted), 0
    for word in given:
        if word in left:
            left.remove(word)
            n_common += 1
    if not n_common:
        return False, Fraction(0)
    precision, recall = Fraction(n_common, len(given)), Fraction(n_common, len(wanted))
    return False, 2 * precision * recall / (precision + recall)


def test_scorers_say_what_was_put_down_by_hand() -> None:
    differing = []
    for answer, references, em, f1 in PAIRS:
        found = exact_match(answer, references), token_f1(answer, references)
        if found[0] is not em or found[1] != pytest.approx(float(Fraction(f1)), abs=1e-12):
            differing.append((answer, references, em, f1, found))
    assert differing == []


def test_scorers_agree_with_a_second_implementation_on_every_pair() -> None:
    others = [(answer, reference) for answer, references, *_ in PAIRS for reference in references]
    crossed = [(one[0], other[0]) for one, other in zip(PAIRS, PAIRS[7:] + PAIRS[:7], strict=True)]
    crossed += [(reference, answer) for answer, reference in others]
    differing = []
    for answer, reference in [*others, *crossed]:
        em, f1 = second_opinion(answer, reference)
        if exact_match(answer, [reference]) is not em or token_f1(answer, [reference]) != pytest.approx(float(f1)):
            differing.append((answer, reference, em, f1))
    n_exact = sum(em for _, _, em, _ in PAIRS)
    n_between = sum(f1 not in ("0", "1") for *_, f1 in PAIRS)
    print(  # noqa: T201
        f"{len(PAIRS)} pairs by hand ({n_exact} exact, {n_between} in between); {len(others) + len(crossed)} compared"
    )
    assert differing == []
    assert len({(answer, *references) for answer, references, *_ in PAIRS}) == len(PAIRS) >= 200
