"""The paper's ablations as presets: a plan each, and a table with the paper's figures beside ours."""

from memento.evals.presets.preset import PRESETS, Asked, Preset, Shape, blank_table, paper_table, preset_named
from memento.evals.presets.table import Pair, PaperTable, Row

__all__ = [
    "PRESETS",
    "Asked",
    "Pair",
    "PaperTable",
    "Preset",
    "Row",
    "Shape",
    "blank_table",
    "paper_table",
    "preset_named",
]
