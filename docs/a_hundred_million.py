"""Computes the tables of a-hundred-million-cases.md from the figures it names: `python docs/a_hundred_million.py`."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

PAGE: Final = Path(__file__).resolve().parent / "a-hundred-million-cases.md"

N: Final = 100_000_000
DIM: Final = 384

MEASURED: Final[Mapping[str, tuple[float, str, str]]] = MappingProxyType(
    {
        "ledger": (3_060.0, "bytes a case in the ledger (SQLite), its vector included", "`benchmarks.bulk_load`"),
        "load": (136.0, "microseconds of CPU a case to load it, ledger and embedded index", "`benchmarks.bulk_load`"),
        "one_by_one": (232.0, "the same rows one by one, in the same run", "`benchmarks.bulk_load`"),
        "prepare": (16.0, "of it to parse a line and make its rows, in any number of processes", "a quiet minute"),
        "follow": (
            136.0,
            "microseconds of CPU a case to project it from the ledger",
            "a second process, 100,000 cases",
        ),
    }
)
"""Name -> value, what it is, where it was measured. Two cores that other work kept busy: CPU, not wall time."""

LAYOUT: Final[Mapping[str, tuple[float, str]]] = MappingProxyType(
    {
        "vector": (DIM * 4.0, "float32 vector"),
        "int8": (DIM * 1.0, "codes of `int8`"),
        "turbo4": (DIM * 0.5, "codes of `turbo4`"),
        "turbo2": (DIM * 0.25, "codes of `turbo2`"),
        "binary": (DIM / 8.0, "codes of `binary`"),
        "graph": (
            2 * (2 * 16 * 4) * (1 + 1 / 16),
            "links: 32 of 4 bytes, a 16th more above, for namespace and for status",
        ),
        "ids": (48.0, "id, internal number, version"),
        "payload": (320.0, "payload of a question of 100 characters"),
        "payload_index": (80.0, "indexes of namespace, question, status and version"),
    }
)
"""Name -> bytes a case by Qdrant's layout, and what it is. Computed, not measured."""

QUANTIZATIONS: Final = ("none", "int8", "turbo4", "turbo2", "binary")


def gigabytes(n_bytes: float) -> str:
    """A size of N cases, from the bytes of one."""
    return f"{n_bytes * N / 1e9:,.0f} GB"


def hours(microseconds: float) -> str:
    """CPU time of N cases, from the microseconds of one."""
    return f"{microseconds * N / 1e6 / 3600:,.1f} h"


def in_memory(quantization: str) -> float:
    """Bytes a case that a replica holds in memory with the recommended settings."""
    held = LAYOUT["vector"][0] if quantization == "none" else LAYOUT[quantization][0]
    return held + LAYOUT["graph"][0] + LAYOUT["ids"][0]


def on_disk(quantization: str) -> float:
    """Bytes a case that a replica has on disk."""
    codes = 0.0 if quantization == "none" else LAYOUT[quantization][0]
    rest = ("vector", "graph", "ids", "payload", "payload_index")
    return codes + sum(LAYOUT[name][0] for name in rest)


def figures() -> str:
    """The figures that everything else follows from."""
    lines = ["| figure | a case | from |", "|---|---|---|"]
    lines += [f"| {what} | {value:,.0f} | measured: {where} |" for value, what, where in MEASURED.values()]
    lines += [f"| {what} | {value:,.0f} bytes | computed |" for value, what in LAYOUT.values()]
    return "\n".join(lines)


def replica() -> str:
    """A replica of the index, by quantisation."""
    lines = ["| quantisation | memory | disk |", "|---|---|---|"]
    lines += [f"| `{one}` | {gigabytes(in_memory(one))} | {gigabytes(on_disk(one))} |" for one in QUANTIZATIONS]
    return "\n".join(lines)


def totals() -> str:
    """Ledger and times."""
    load, follow = MEASURED["load"][0], MEASURED["follow"][0]
    one_by_one, prepare = MEASURED["one_by_one"][0], MEASURED["prepare"][0]
    lines = [
        "| of a hundred million cases | |",
        "|---|---|",
        f"| the ledger | {gigabytes(MEASURED['ledger'][0])} |",
        f"| its vectors among that | {gigabytes(LAYOUT['vector'][0])} |",
        f"| `memento cases load`, CPU | {hours(load)} |",
        f"| of it in workers, at most | {hours(prepare)} |",
        f"| the same one by one | {hours(one_by_one)} |",
        f"| following the ledger from its first row, one projector | {hours(follow)} |",
        f"| the same in 8 processes that are not elected | {hours(8 * follow)} |",
    ]
    return "\n".join(lines)


PARTS: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {"figures": figures, "replica": replica, "totals": totals}
)


def refreshed(text: str) -> str:
    """The page with every table made anew.

    Raises:
        ValueError: the markers of one are missing.
    """
    for name, make in PARTS.items():
        start, end = f"<!-- {name}:start -->\n", f"<!-- {name}:end -->"
        if start not in text or end not in text:
            raise ValueError(f"{PAGE.name} has no place for the table {name}: {start.strip()} ... {end.strip()}")
        before, _, rest = text.partition(start)
        text = f"{before}{start}{make()}\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit(0)
