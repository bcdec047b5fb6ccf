"""The page on a hundred million cases: its tables follow from its figures, its settings exist."""

import re
from pathlib import Path

from docs import a_hundred_million as arithmetic
from memento.graph.variables.collection import CollectionVariables
from memento.memory.index.exact_search import N_NEWEST
from memento.memory.index.projector_lease import LEASE_S

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "a-hundred-million-cases.md").read_text(encoding="utf-8")


def test_tables_follow_from_the_figures() -> None:
    assert arithmetic.refreshed(PAGE) == PAGE, "run `python docs/a_hundred_million.py`"


def test_sizes_and_times_are_products_of_a_cases_figures() -> None:
    assert arithmetic.gigabytes(arithmetic.LAYOUT["vector"][0]) == "154 GB"
    assert arithmetic.hours(36.0) == "1.0 h"
    per_case = [arithmetic.in_memory(one) for one in arithmetic.QUANTIZATIONS]
    assert per_case == sorted(per_case, reverse=True)
    assert all(arithmetic.on_disk(one) > arithmetic.in_memory(one) for one in arithmetic.QUANTIZATIONS)


def test_settings_of_the_page_are_variables() -> None:
    named = {name.lower().removeprefix("memento_") for name in re.findall(r"MEMENTO_QDRANT_\w+(?==)", PAGE)}
    assert named
    assert named <= set(CollectionVariables.model_fields)


def test_limits_of_the_page_are_those_of_the_code() -> None:
    assert f"ends after {LEASE_S:g} seconds" in PAGE
    assert f"Up to {N_NEWEST:,} newer changes" in PAGE
