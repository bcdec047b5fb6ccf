"""Which characters the bytes of a text file are: every tool that reads one says the same."""

# ruff: noqa: RUF001 - letters of other alphabets that look like Latin ones are meant

import asyncio
from pathlib import Path

import pytest

from memento.tools.documents.read_document import make_read_document
from memento.tools.errors import ToolInputError
from memento.tools.files.text_files import decoded
from memento.tools.files.workspace_tools import make_read_file
from memento.tools.workspace import Workspace

WESTERN = [
    "Name;Preis \u20ac\nKäse;3",
    "piña, España",
    "fermé à Noël",
    "café naïve",
    "é",
    "Straße,Zahl\nMüller,1\n",
    "10\u00a0000\u00a0\u20ac",
    "\u201cno\u201d \u2013 it\u2019s \u00a35",
    "«À bientôt» \u2014 créée",
    "Rødgrød med fløde på Ærø, ÆØÅ",
    "Hyvää yötä, pöytä on täällä",
    "GRÖSSE ÄÖÜ",
]
OTHERS = [
    ("cp1251", "Привет, мир"),
    ("cp1251", "name;город\n1;Москва\n"),
    ("cp1251", "МОСКВА \u2014 СТОЛИЦА РОССИИ"),
    ("cp1251", "Київ \u2014 столиця України"),
    ("koi8_r", "Это обычный русский текст про погоду"),
    ("cp866", "Столица России Москва"),
    ("cp1253", "Η Αθήνα είναι η πρωτεύουσα"),
    ("cp1255", "ירושלים היא בירתה של מדינת ישראל"),
    ("cp1256", "السلام عليكم يا صديقي"),
    ("cp874", "ประเทศไทยมีเมืองหลวงคือกรุงเทพ"),
    ("cp932", "東京の人口は約一千四百万人です。"),
    ("cp932", "売上,単価\nりんご,300\nみかん,200"),
    ("cp932", "テストデータ"),
    ("euc_jp", "日本語のテキスト"),
    ("gb18030", "东京的人口是多少。约一千四百万。"),
    ("gb18030", "订单编号,客户,金额\n1,北京科技有限公司,300\n"),
    ("big5", "台灣是一個美麗的島嶼,我們都喜歡這裡"),
    ("cp949", "안녕하세요. 대한민국의 수도는 서울입니다."),
]


@pytest.mark.parametrize("text", WESTERN)
def test_a_western_text_is_read_as_such_though_it_is_short(text: str) -> None:
    assert decoded(text.encode("cp1252")) == (text, "cp1252", True)
    assert decoded(text.encode()) == (text, "utf-8", False)


@pytest.mark.parametrize(("encoding", "text"), OTHERS)
def test_a_text_in_another_script_is_told_by_its_everyday_characters(encoding: str, text: str) -> None:
    assert decoded(text.encode(encoding)) == (text, encoding, True)
    assert decoded(text.encode()) == (text, "utf-8", False)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_text_is_what_its_first_bytes_say(encoding: str) -> None:
    found = decoded("Name;Käse\r\n東京;2".encode(encoding))
    assert found is not None
    assert (found.text, found.is_guess) == ("Name;Käse\r\n東京;2", False)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["Name;Käse \u20ac\r\n1;2", "Привет, мир\r\nЕще слово\r\n" * 700, "a"])
def test_a_wide_text_is_known_by_its_zeros_without_a_mark(encoding: str, text: str) -> None:
    assert decoded(text.encode(encoding)) == (text, encoding, False)


@pytest.mark.parametrize("content", [b"%PDF\0\1", b"platypus\0\1\2", b"\0" * 100, bytes(range(256)) * 40, b"a\0\0b"])
def test_bytes_with_zeros_are_no_text_otherwise(content: bytes) -> None:
    assert decoded(content) is None


def test_a_text_stays_utf8_when_little_of_it_is_damaged_or_its_end_is_cut() -> None:
    text = "Käse für Björn, schön. " * 30
    assert decoded(text.encode() + b"\xff") == (f"{text}\ufffd", "utf-8", True)
    assert decoded(text.encode() + "é".encode()[:1], is_cut=True) == (text, "utf-8", False)
    assert decoded(b"ascii\n" * 9_000 + text.encode() * 900 + b"\xff") == (
        "ascii\n" * 9_000 + text * 900 + "\ufffd",
        "utf-8",
        True,
    )
    assert decoded("\ufffd".encode()) == ("\ufffd", "utf-8", False)


async def test_every_tool_reads_the_same_characters(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run")
    for name, content in {
        "west.txt": "fermé à Noël".encode("cp1252"),
        "wide.txt": "Käse für 3 \u20ac".encode("utf-16-le"),
        "east.csv": "город;цена\nМосква;3\n".encode("cp1251"),
    }.items():
        await asyncio.to_thread(workspace.write, name, content)
    read_file, read_document = make_read_file(), make_read_document()
    assert await read_file("west.txt", workspace=workspace) == "fermé à Noël"
    west = await read_document("west.txt", workspace=workspace)
    assert "fermé à Noël" in west
    assert "read as cp1252, which is a guess" in west
    assert await read_file("wide.txt", workspace=workspace) == "Käse für 3 \u20ac"
    wide = await read_document("wide.txt", workspace=workspace)
    assert "Käse für 3 \u20ac" in wide
    assert "guess" not in wide
    assert "Москва;3" in await read_file("east.csv", workspace=workspace)
    assert "| 2 | Москва | 3 |" in await read_document("east.csv", workspace=workspace)


async def test_a_file_is_refused_when_zeros_come_after_its_beginning(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run")
    await asyncio.to_thread(workspace.write, "a.bin", b"\1\0\2\0\3")
    with pytest.raises(ToolInputError, match="not text"):
        await make_read_document()("a.bin", workspace=workspace)
