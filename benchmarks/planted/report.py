"""The figures as Markdown tables and as JSON lines."""

import json
from collections.abc import Sequence

import numpy as np

from benchmarks.planted.bars import THIRDS, Bar
from benchmarks.planted.figures import Results, SeedInterval, covered_at_reads, covered_effects, mean, ranking
from benchmarks.planted.stream import ORACLE

TITLE = "Planted stream: a simulation, not evidence about real agents"

EVERY = "mean of scenarios"


def markdown(results: Results, found: Sequence[Bar]) -> str:
    """Everything that is printed."""
    parts = [f"# {TITLE}", f"{results.steps:,} tasks, {len(results.seeds)} seeds; intervals are of 95 %, over seeds."]
    parts += [_success(results, [scenario], scenario) for scenario in results.scenarios]
    if len(results.scenarios) > 1:
        parts.append(_success(results, results.scenarios, EVERY))
    parts += [part for part in (_learned(results), _bars(found)) if part]
    return "\n\n".join(parts) + "\n"


def json_lines(results: Results, found: Sequence[Bar]) -> str:
    """One object a line: each scenario and policy, then each bar."""
    lines: list[dict[str, object]] = []
    for scenario in results.scenarios:
        for policy in results.policies:
            line: dict[str, object] = {"simulation": True, "scenario": scenario, "policy": policy}
            line["seeds"] = len(results.seeds)
            line["success"] = mean(results.success(scenario, policy))._asdict()
            line["success_thirds"] = [
                float(results.success(scenario, policy, begin=b, end=e).mean()) for b, e in THIRDS
            ]
            line["success_last_sixth"] = float(results.success(scenario, policy, begin=5 / 6).mean())
            if {"similarity", ORACLE} <= set(results.policies):
                line["regret_removed"] = results.regret_removed(policy, [scenario])._asdict()
            line["ms_per_step"] = _ms(results, [scenario], policy)
            lines.append(line)
    for bar in found:
        rest = {"of": bar.where, "wanted": bar.wanted, "is_met": bar.is_met, "figure": bar.figure._asdict()}
        lines.append({"simulation": True, "bar": bar.name, **rest})
    return "\n".join(json.dumps(line) for line in lines)


def _success(results: Results, scenarios: Sequence[str], name: str) -> str:
    has_regret = {"similarity", ORACLE} <= set(results.policies)
    rows: list[list[str]] = []
    for policy in results.policies:

        def success(begin: float = 0.0, end: float = 1.0, of: str = policy) -> SeedInterval:
            return mean(np.mean([results.success(s, of, begin=begin, end=end) for s in scenarios], axis=0))

        drawn = np.mean([[cell.mean_reward for cell in results.cells(s, policy)] for s in scenarios])
        whole = success()
        row = [policy, f"{whole.value:.3f} [{whole.low:.3f}, {whole.high:.3f}]", f"{drawn:.3f}"]
        row += [f"{success(*third).value:.3f}" for third in THIRDS]
        row.append(f"{success(5 / 6).value:.3f}")
        if has_regret:
            gains = [results.success(s, policy) - results.success(s, "similarity") for s in scenarios]
            is_measure = policy in ("similarity", ORACLE)
            row += [str(mean(np.mean(gains, axis=0))) if policy != "similarity" else "",
                    "" if is_measure else str(results.regret_removed(policy, scenarios))]  # fmt: skip
        rows.append([*row, f"{_ms(results, scenarios, policy):.2f}"])
    heads = [name, "expected success", "drawn", "third 1", "third 2", "third 3", "last sixth"]
    heads += ["minus similarity", "regret removed"] if has_regret else []
    return table([*heads, "ms/step"], rows)


def _learned(results: Results) -> str:
    """What estimators know of each case."""
    rows: list[list[str]] = []
    for scenario in results.scenarios:
        for policy in results.policies:
            cells = results.cells(scenario, policy)
            if all(effect is None for effect in cells[0].cases.effect):
                continue
            ranked = ranking(cells)
            bias = float(np.mean([cell.calibration.bias for cell in cells]))
            at_reads, at_end = covered_at_reads([[cell] for cell in cells]), covered_effects([[cell] for cell in cells])
            rows.append([scenario, policy, str(mean(ranked.estimated_S)), str(mean(ranked.shared_label_S)),
                         f"{at_reads.value:.3f}", f"{bias:+.3f}", f"{at_end.value:.3f}"])  # fmt: skip
    heads = [
        "scenario",
        "policy",
        "Spearman",
        "of shared labels",
        "90 % of u at reads",
        "bias (logits)",
        "90 % of effects",
    ]
    return table(heads, rows) if rows else ""


def _bars(found: Sequence[Bar]) -> str:
    rows = [[bar.name, bar.where, bar.wanted, str(bar.figure), "met" if bar.is_met else "MISSED"] for bar in found]
    return table(["bar", "of", "wanted", "figure", ""], rows) if rows else ""


def _ms(results: Results, scenarios: Sequence[str], policy: str) -> float:
    return round(float(np.mean([[cell.ms_per_step for cell in results.cells(s, policy)] for s in scenarios])), 3)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown whose columns also line up in a terminal."""
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(f"| {' | '.join(map(str.ljust, line, widths))} |" for line in lines)
