"""Characters of a page, whatever it calls them."""

import pytest

from memento.tools.web.charsets import decoded

GERMAN = "Grüße aus Köln, „schöne“ Aussicht"
RUSSIAN = "Старый мост был построен"
JAPANESE = "港は大きな嵐の後"


@pytest.mark.parametrize(
    ("text", "encoding", "charset"),
    [
        (GERMAN, "utf-8", ""),
        (GERMAN, "utf-8", "iso-8859-1"),  # the commonest mistake
        (GERMAN, "cp1252", "iso-8859-1"),
        (GERMAN, "cp1252", "utf-8"),
        (GERMAN, "cp1252", ""),
        (GERMAN, "cp1252", "no-such-charset"),
        (GERMAN, "cp1252", "utf-7"),
        (GERMAN, "utf-16", ""),
        (GERMAN, "utf-8-sig", "cp1252"),
        (RUSSIAN, "koi8-r", "KOI8-R"),
        (RUSSIAN, "cp1251", "windows-1251"),
        (JAPANESE, "shift_jis", "Shift_JIS"),
        (JAPANESE, "euc_jp", "euc-jp"),
        (JAPANESE, "iso2022_jp", "iso-2022-jp"),
        ("港口在大风暴", "gb18030", "gb2312"),
    ],
)
def test_a_text_is_read_when_it_comes_as(text: str, encoding: str, charset: str) -> None:
    assert decoded(text.encode(encoding), charset) == text


@pytest.mark.parametrize(
    "declaration",
    [
        '<meta charset="windows-1251">',
        "<meta http-equiv=Content-Type content='text/html; charset=windows-1251'>",
        '<?xml version="1.0" encoding="windows-1251"?>',
    ],
)
def test_the_pages_own_word_counts_when_the_server_says_nothing(declaration: str) -> None:
    assert decoded((declaration + RUSSIAN).encode("cp1251")).endswith(RUSSIAN)


def test_one_wrong_byte_spoils_nothing_else() -> None:
    assert decoded(RUSSIAN.encode() + b"\xff" + RUSSIAN.encode()) == f"{RUSSIAN}\N{REPLACEMENT CHARACTER}{RUSSIAN}"


def test_a_character_that_was_cut_spoils_nothing() -> None:
    assert decoded(RUSSIAN.encode()[:-1]) == RUSSIAN[:-1]


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", "idna", "hex", "rot13", "\0", "x" * 10_000])
def test_no_codec_is_used_that_is_none_of_pages(charset: str) -> None:
    assert decoded(b"+ADw-script+AD4- \\u003c", charset) == "+ADw-script+AD4- \\u003c"
