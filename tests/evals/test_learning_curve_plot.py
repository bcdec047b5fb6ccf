"""Learning curves as a picture."""

from pathlib import Path

import numpy as np
import pytest

from memento.evals.learning_curve_plot import moving_accuracy, save_learning_curves, series_of
from memento.evals.learning_demo import TaskScore

pytest.importorskip("matplotlib", reason="comes with the extra `demo`")

SCORES = [
    TaskScore(n, none=float(n % 6 == 0), similarity=float(n > 9), advantage=float(n > 5), vote=1.0) for n in range(20)
]


def test_the_window_is_shorter_when_few_tasks_are_done() -> None:
    assert moving_accuracy([0, 1, 1, 1], window=2) == [0.0, 0.5, 1.0, 1.0]
    assert moving_accuracy([]) == []


def test_each_series_has_its_own_scores_when_taken_apart() -> None:
    assert series_of([TaskScore(0, 0.0, 1.0, 0.75, 0.5)]) == [[0.0], [1.0], [0.75], [0.5]]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("n", [2, 20])
def test_the_picture_shows_every_curve_when_saved(n: int, tmp_path: Path) -> None:
    from matplotlib import image

    path = tmp_path / "new" / "learning.png"
    save_learning_curves(SCORES[:n], path)
    pixels = np.round(image.imread(path)[..., :3] * 255).astype(int)
    assert pixels.shape == (690, 1200, 3)
    for color in ((0x9A, 0xA0, 0xA6), (0x12, 0xA4, 0xAF), (0x1A, 0x73, 0xE8), (0xE8, 0x71, 0x0A)):
        assert (np.abs(pixels - color).max(axis=-1) < 8).sum() > 100  # drawn, not only named in the legend
