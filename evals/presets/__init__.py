"""Presets: plans by name; the paper's ablations among them have a table with the paper's figures beside ours."""

from memento.evals.presets.preset import (
    PRESETS,
    Asked,
    Preset,
    Shape,
    blank_table,
    is_protocol,
    paper_table,
    preset_named,
)
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
    "is_protocol",
    "paper_table",
    "preset_named",
]
