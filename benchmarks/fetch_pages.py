"""How well pages are read: `python -m benchmarks.fetch_pages`.

Fifty pages with known main text (made_pages.py), served on loopback and read with the real guard, fetch, child process
and extraction. Bars: F1 of the main text 0.93, scored as scrapinghub's article-extraction-benchmark does (shingles of
four words); long pages cut to at most 30 % by their question, with the sentence that answers it kept in 90 %.
"""

import argparse
import asyncio
import contextlib
import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import numpy as np

from benchmarks.made_pages import MadePage, made_pages
from memento.tools.web.fetch import Fetcher
from memento.tools.web.fetch_page import SHORT_PAGE_CHARS, make_fetch_page, read_page
from memento.tools.web.ssrf_guard import AddressGuard
from memento.tools.web.visible_text import visible

F1_BAR, SHARE_BAR, KEPT_BAR = 0.93, 0.30, 0.90
SHINGLE = 4
# Chinese and Japanese are written without spaces: there a word is a character.
_TOKEN = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]|[^\W\u3040-\u30ff\u4e00-\u9fff]+")


class Reading(NamedTuple):
    """What came of one page."""

    right: float
    """Shares of the shingles of both texts: found and right, wrong, missed."""
    wrong: float
    missed: float
    share: float | None
    """What the question left of a long page; None for a short one."""
    is_kept: bool | None
    """Whether the answer was in it."""
    seconds: float


@contextlib.contextmanager
def served(pages: Sequence[MadePage]) -> Iterator[str]:
    """Serve pages on loopback; the host and port."""
    bodies = {page.path: page.html.encode() for page in pages}

    class Endpoint(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies.get(self.path)
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


async def reading(page: MadePage, host: str, fetcher: Fetcher) -> Reading:
    """Read one page whole, and a long one by its question too."""
    url, began = f"http://{host}{page.path}", time.perf_counter()
    text = (await read_page(await fetcher.get(url))).text
    seconds = time.perf_counter() - began
    right, wrong, missed = _compared(page.main_text, text)
    if len(text) <= SHORT_PAGE_CHARS:
        return Reading(right, wrong, missed, None, None, seconds)
    answer = await make_fetch_page(fetcher=fetcher)(url, query=page.question[:400])
    shown = answer.split("\n\n", 1)[1].rsplit("\n\n", 1)[0]
    return Reading(right, wrong, missed, len(shown) / len(text), _words(page.answer_sentence) in _words(shown), seconds)


def _compared(truth: str, found: str) -> tuple[float, float, float]:
    expected, got = _shingles(truth), _shingles(found)
    right, wrong, missed = (expected & got).total(), (got - expected).total(), (expected - got).total()
    n = right + wrong + missed or 1
    return right / n, wrong / n, missed / n


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    tokens = _TOKEN.findall(text)
    return Counter(tuple(tokens[at : at + SHINGLE]) for at in range(max(1, len(tokens) - SHINGLE + 1)))


def _words(text: str) -> str:
    return f" {' '.join(_TOKEN.findall(text))} "


def f1(readings: np.ndarray) -> float:
    """Score right, wrong and missed shares, one row a page."""
    right, wrong, missed = readings.mean(axis=0)
    return float(2 * right / (2 * right + wrong + missed))


def interval(values: np.ndarray, statistic: object) -> tuple[float, float]:
    """Find a statistic's 95 % bootstrap interval over pages."""
    chance = np.random.default_rng(0)
    drawn = [statistic(values[chance.integers(0, len(values), len(values))]) for _ in range(2000)]  # type: ignore[operator]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


async def run(n_pages: int, *, seed: int = 0) -> dict[str, float]:
    """Measure; figures by name."""
    pages = made_pages(n_pages, seed=seed)
    with served(pages) as host:
        fetcher = Fetcher(guard=AddressGuard(allowed=[host]))
        readings = [await reading(page, host, fetcher) for page in pages]
    scores = np.array([reading[:3] for reading in readings])
    shares = np.array([reading.share for reading in readings if reading.share is not None])
    kept = np.array([reading.is_kept for reading in readings if reading.is_kept is not None], dtype=float)
    f1_low, f1_high = interval(scores, f1)
    kept_low, kept_high = interval(kept, np.mean)
    right, wrong, missed = scores.mean(axis=0)
    return {
        "pages": len(pages),
        "f1": f1(scores),
        "f1_low": f1_low,
        "f1_high": f1_high,
        "precision": float(right / (right + wrong)),
        "recall": float(right / (right + missed)),
        "all_text_f1": f1(np.array([_compared(page.main_text, visible(page.html).text) for page in pages])),
        "worst_page_f1": min(f1(row[None]) for row in scores),
        "long_pages": len(shares),
        "share": float(shares.mean()),
        "largest_share": float(shares.max()),
        "kept": float(kept.mean()),
        "kept_low": kept_low,
        "kept_high": kept_high,
        "seconds": float(np.median([reading.seconds for reading in readings])),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    found = asyncio.run(run(options.pages, seed=options.seed))
    if options.json:
        print(json.dumps(found))
    else:
        print(f"pages                    {found['pages']:6.0f}")
        print(f"main text, F1            {found['f1']:6.3f}   {_range(found, 'f1')}   bar {F1_BAR}")
        print(f"  precision, recall      {found['precision']:6.3f}   {found['recall']:.3f}")
        print(f"  worst page             {found['worst_page_f1']:6.3f}")
        print(f"  all text, for contrast {found['all_text_f1']:6.3f}")
        print(f"long pages               {found['long_pages']:6.0f}")
        print(f"  share kept, mean       {found['share']:6.3f}   largest {found['largest_share']:.3f}, bar {SHARE_BAR}")
        print(f"  answer sentence kept   {found['kept']:6.3f}   {_range(found, 'kept')}   bar {KEPT_BAR}")
        print(f"fetch and extraction, s  {found['seconds']:6.2f}")
    sys.exit(found["f1"] < F1_BAR or found["largest_share"] > SHARE_BAR or found["kept"] < KEPT_BAR)


def _range(found: dict[str, float], name: str) -> str:
    return f"[{found[f'{name}_low']:.3f}, {found[f'{name}_high']:.3f}]"


if __name__ == "__main__":
    main()
