"""The report page in a real browser, without a network: what a reader sees."""

import asyncio
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from memento.evals.report.palette import PAPER, Tone, looks
from memento.evals.report.report import write_report
from memento.evals.runs.arm import parse_arm
from tests.eval_runs import make_run

pytest.importorskip("matplotlib", reason="comes with the extra `demo`")

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARMS = [parse_arm(name) for name in ("none", "random", "similarity", "advantage")]
WIDTH, HEIGHT = 1100, 2600
BAND = 440
"""Height of a plot, and less than that of two."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no chromium or google-chrome"),
]


def screenshot(page: Path, picture: Path, *, is_dark: bool = False) -> NDArray[np.int_]:
    """The upper part of the page, as RGB. Names resolve nowhere."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
    offline = ["--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={picture.parent / 'profile'}"]
    dark = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if is_dark else []
    shot = [f"--screenshot={picture}", f"--window-size={WIDTH},{HEIGHT}", page.as_uri()]
    subprocess.run([str(BROWSER), *options, *offline, *dark, *shot], check=True, capture_output=True, timeout=100)
    with Image.open(picture) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def widest_together(pixels: NDArray[np.int_], colors: Sequence[str]) -> float:
    """In how many columns of a plot, left of the names of its curves, the rarest of the colours is seen.

    Of all bands of a plot's height, that with the most: a curve runs through all columns, a name, a whisker or the
    line beside a name in a table does not.
    """
    left, right = int(0.16 * WIDTH), int(0.76 * WIDTH)
    masks = []
    for color in colors:
        wanted = [int(color[at : at + 2], 16) for at in (1, 3, 5)]
        masks.append(np.abs(pixels[:, left:right] - wanted).max(axis=-1) <= 6)
    bands = [slice(top, top + BAND) for top in range(0, len(pixels) - BAND + 1, 20)]
    return max(min(float(mask[band].any(axis=0).mean()) for mask in masks) for band in bands)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_run(tmp_path_factory.mktemp("run"), arms=[arm.name for arm in ARMS], n_tasks=120, effect=2.5)
    return asyncio.run(write_report(made.folder)).page


@pytest.mark.parametrize("is_dark", [False, True])
def test_every_arms_curve_is_drawn_when_the_page_opens(page: Path, is_dark: bool, tmp_path: Path) -> None:
    def shade(tone: Tone) -> str:
        return tone.dark if is_dark else tone.light

    pixels = screenshot(page, tmp_path / "page.png", is_dark=is_dark)
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert tuple(pixels[2, 2]) == tuple(int(shade(PAPER)[at : at + 2], 16) for at in (1, 3, 5))
    assert widest_together(pixels, [shade(look.tone) for look in looks(ARMS).values()]) > 0.6


def test_no_curve_is_seen_when_none_is_drawn(page: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.html"
    bare.write_text(page.read_text(encoding="utf-8").replace("<path ", '<path visibility="hidden" '), encoding="utf-8")
    pixels = screenshot(bare, tmp_path / "bare.png")
    assert widest_together(pixels, [look.color for look in looks(ARMS).values()]) < 0.1
