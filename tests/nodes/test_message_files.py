"""Files inside messages: every host's form is understood, nothing is fetched, names and sizes are safe."""

import base64
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage

from memento.nodes.message_files import MAX_FILE_BYTES, MAX_FILES, MessageFile, files_in
from memento.nodes.message_texts import text_in
from memento.tools.workspace import Workspace

BYTES = b"\x89PNG\r\n\x1a\n?>"
CODED = base64.b64encode(BYTES).decode()
URL = f"data:image/png;base64,{CODED}"


def message(*blocks: dict[str, Any]) -> HumanMessage:
    return HumanMessage([{"type": "text", "text": "what is this?"}, *blocks])


@pytest.mark.parametrize(
    ("block", "name"),
    [
        ({"type": "image", "base64": CODED, "mime_type": "image/png"}, "image-1.png"),
        ({"type": "image", "url": URL}, "image-1.png"),
        ({"type": "image", "source_type": "base64", "data": CODED, "mime_type": "image/jpeg"}, "image-1.jpg"),
        ({"type": "image", "mimeType": "image/webp", "data": CODED, "metadata": {"name": "cat.webp"}}, "cat.webp"),
        ({"type": "image_url", "image_url": {"url": URL, "detail": "high"}}, "image-1.png"),
        ({"type": "image_url", "image_url": URL}, "image-1.png"),
        ({"type": "input_image", "image_url": URL}, "image-1.png"),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": CODED}},
            "image-1.gif",
        ),
        (
            {
                "type": "document",
                "title": "Plan",
                "source": {"type": "base64", "media_type": "application/pdf", "data": CODED},
            },
            "Plan.pdf",
        ),
        (
            {"type": "file", "file": {"filename": "a b.pdf", "file_data": f"data:application/pdf;base64,{CODED}"}},
            "a_b.pdf",
        ),
        ({"type": "input_file", "filename": "t.csv", "file_data": CODED}, "t.csv"),
        ({"type": "file", "base64": CODED, "mime_type": "text/csv", "extras": {"filename": "t.csv"}}, "t.csv"),
        ({"type": "file", "mimeType": "application/pdf", "data": CODED, "metadata": {"filename": "p.pdf"}}, "p.pdf"),
        ({"type": "input_audio", "input_audio": {"data": CODED, "format": "wav"}}, "audio-1.wav"),
        ({"type": "audio", "base64": CODED, "mime_type": "audio/mpeg"}, "audio-1.mp3"),
        ({"type": "video", "base64": CODED, "mime_type": "video/mp4; codecs=avc1"}, "video-1.mp4"),
        ({"type": "file", "base64": CODED, "mime_type": "application/x-unheard-of"}, "file-1"),
        ({"type": "media", "mime_type": "image/png", "data": CODED}, "file-1.png"),
    ],
)
def test_the_file_is_taken_out_whatever_the_form_of_the_block(block: dict[str, Any], name: str) -> None:
    assert files_in(message(block)) == ([MessageFile(name, BYTES)], [])


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text-plain", "text": "größe", "mime_type": "text/plain"},
        {"type": "file", "source_type": "text", "text": "größe"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "größe"}},
        {"type": "file", "url": "data:text/plain,gr%C3%B6%C3%9Fe"},
    ],
)
def test_a_text_is_a_file_when_it_comes_as_one(block: dict[str, Any]) -> None:
    assert files_in(message(block)).files == [MessageFile("file-1.txt", "größe".encode())]


@pytest.mark.parametrize(
    "content", ["just text", [], ["a", "b"], [{"type": "text", "text": URL}], [{"type": "input_text", "text": URL}]]
)
def test_there_are_no_files_when_the_message_is_text(content: Any) -> None:
    assert files_in(HumanMessage(content)) == ([], [])


@pytest.mark.parametrize(
    "coded", [CODED.rstrip("="), CODED.replace("+", "-").replace("/", "_"), f"{CODED[:5]}\n{CODED[5:]}"]
)
def test_base64_is_read_in_all_its_spellings(coded: str) -> None:
    assert files_in(message({"type": "image", "base64": coded})).files[0].content == BYTES


@pytest.mark.parametrize(
    "url", ["https://ada:key@host.example/a/b.png?sig=key#key", "http://127.0.0.1/a", "file:///etc/passwd", "s3://a/b"]
)
def test_an_address_is_named_and_not_opened(url: str) -> None:
    for block in ({"type": "image", "url": url}, {"type": "image_url", "image_url": {"url": url}}):
        files, [notice] = files_in(message(block))
        assert files == []
        assert "was not fetched" in notice
        assert "key" not in notice
        assert url.rsplit("/", maxsplit=1)[-1].split("?", maxsplit=1)[0] in notice


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ({"type": "file", "file_id": "file-abc"}, "holds no content"),
        ({"type": "image", "base64": "no base64 at all!"}, "damaged"),
        ({"type": "image", "base64": "A"}, "damaged"),
        ({"type": "image", "url": "data:image/png;base64,"}, "empty"),
        ({"type": "image", "base64": 7, "url": None, "source": [], "image_url": {"url": 3}}, "holds no content"),
        ({"type": "image", "base64": "AAAA" * (MAX_FILE_BYTES // 3 + 500)}, "bytes was left out"),
        ({"type": "file", "text": "x" * (MAX_FILE_BYTES + 1)}, "bytes was left out"),
    ],
)
def test_the_notice_says_why_when_a_file_is_left_out(block: dict[str, Any], why: str) -> None:
    files, [notice] = files_in(message(block, {"type": "image", "base64": CODED}))
    assert [file.name for file in files] == ["image-2"]
    assert why in notice


@pytest.mark.slow
def test_files_are_limited_in_number_and_in_all() -> None:
    files, notices = files_in(message(*[{"type": "image", "base64": CODED}] * (MAX_FILES + 5)))
    assert len(files) == MAX_FILES
    assert notices == [f"only the first {MAX_FILES} files of the message were taken"]
    large = {"type": "image", "base64": base64.b64encode(bytes(MAX_FILE_BYTES)).decode()}
    files, notices = files_in(message(large, large, large))
    assert (len(files), len(notices)) == (2, 1)


def test_names_differ_when_senders_give_the_same() -> None:
    blocks = [{"type": "image", "base64": CODED, "name": name} for name in ("a.png", "A.PNG", "a.png")]
    assert [file.name for file in files_in(message(*blocks)).files] == ["a.png", "A-2.PNG", "a-3.png"]


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Ada\\chart.png", "chart.png"),
        (".bashrc", "bashrc"),
        ("-rf", "rf"),
        ("a\0b\n$(x).png", "a_b_x_.png"),
        ("Größe 1.png", "Größe_1.png"),
        ("..", "image-1"),
        ("x" * 500 + ".png", "x" * 76 + ".png"),
        ("a." + "y" * 500, "a." + "y" * 10),
    ],
)
def test_a_name_is_safe_whatever_the_sender_calls_the_file(given_name: str, name: str) -> None:
    assert files_in(message({"type": "image", "base64": CODED, "name": given_name})).files[0].name == name


@given(names=st.lists(st.text() | st.from_regex(r"[./\\~:*?a-c-]{1,9}", fullmatch=True), max_size=5))
def test_every_name_can_be_written_into_a_workspace(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    files, notices = files_in(message(*({"type": "file", "base64": CODED, "name": name} for name in names)))
    workspace = Workspace(Path(tmp_path_factory.mktemp("run")))
    assert [workspace.write(file.name, file.content) for file in files] == [file.name for file in files]
    assert (len(files), notices) == (len(names), [])
    assert len(workspace.made()) == len(names)


_KEYS = st.sampled_from(["base64", "data", "url", "text", "source", "image_url", "name", "metadata"])
_VALUES = st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=2) | st.dictionaries(_KEYS, st.text())


@given(block=st.dictionaries(_KEYS, _VALUES))
def test_nothing_raises_whatever_a_block_holds(block: dict[str, Any]) -> None:
    files, notices = files_in(message({"type": "image", **block}))
    assert len(files) + len(notices) == 1


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        ({"type": "reasoning", "reasoning": "hm"}, "reasoning"),
        ({"type": "thinking", "thinking": "hm", "signature": "x"}, "thinking"),
        ({"type": "citation", "url": "https://a.example"}, "citation"),
        ({"type": "text", "text": "", "annotations": [{"type": "citation", "url": "https://a.example"}]}, "citation"),
        ({"type": "text", "text": "", "citations": [{"type": "char_location"}]}, "citation"),
        ({"type": "executable_code", "executable_code": {}}, "executable_code"),
        ({"type": "non_standard", "value": {"x": 1}}, "non_standard"),
        ({"type": "<b>\n" + "y" * 90}, "b" + "y" * 36),
        ({"type": None}, "None"),
        ({"type": "\n"}, "unknown"),
        ({"type": ["a"]}, "a"),
    ],
)
def test_what_is_neither_text_nor_a_file_is_named_in_a_notice(block: dict[str, Any], kind: str) -> None:
    found = files_in(message(block, block))
    assert found == ([], [f"a part of the message was left out: its type is {kind}"])


def test_a_file_of_googles_that_lies_elsewhere_is_not_fetched_and_said_so() -> None:
    found = files_in(message({"type": "media", "mime_type": "video/mp4", "file_uri": "gs://bucket/film.mp4"}))
    assert found.files == []
    assert "gs://bucket/film.mp4 was not fetched" in found.notices[0]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("plain", "plain"),
        (["a", {"type": "text", "text": "b"}], "ab"),
        ([{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": URL}], "What is this?"),
        ([{"text": "no type"}, {"type": "reasoning", "reasoning": "hm", "text": "not this"}], "no type"),
        ([{"type": "text", "text": None}, {"type": "text"}], ""),
    ],
)
def test_all_that_is_written_is_read_whoever_made_the_blocks(content: Any, text: str) -> None:
    assert text_in(HumanMessage.model_construct(content=content)) == text
