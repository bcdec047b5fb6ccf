"""Cost of each arm: tokens, calls, time and money, judge and memory included."""

from memento.evals.report.blocks import Grid, Section
from memento.evals.report.formatting import UNKNOWN, amount, counted, duration, usd
from memento.evals.report.view import View
from memento.evals.statistics.spending import Spending
from memento.memory.stats import Interval


def cost(view: View) -> Section:
    """Show cost per task with intervals, and totals."""
    found = {arm.arm: arm.spending for arm in view.summary.arms}
    n_unpriced = sum(one.unpriced_calls for one in found.values())
    unpriced = (
        f" The price of {counted(n_unpriced, 'model call')} is not known: dollars are of the others, and a lower bound."
        if n_unpriced
        else ""
    )
    per_task = Grid(
        f"Means per task with 95 % intervals over {view.over}: planner, executors, tools' models, judge and memory "
        "together. Seconds are from a task's start to its result, while others were at work on the same machine; "
        "memory seconds are those of them spent on finding and choosing cases.",
        [
            "arm",
            "tokens\nread",
            "tokens\nwritten",
            "model\ncalls",
            "seconds",
            "median",
            "95th\nper cent",
            "memory\nseconds",
        ],
        [
            [
                arm,
                amount(one.per_task.input_tokens, 0),
                amount(one.per_task.output_tokens, 0),
                amount(one.per_task.model_calls),
                amount(one.per_task.seconds),
                duration(one.median_seconds),
                duration(one.p95_seconds),
                amount(one.per_task.memory_seconds, 3),
            ]
            for arm, one in found.items()
        ],
        arms=True,
    )
    total = Grid(
        f"In all, retries and tests included.{unpriced}",
        [
            "arm",
            "tasks",
            "tokens",
            "model\ncalls",
            "tool\ncalls",
            "dollars",
            "dollars\nper task",
            "calls without\na price",
        ],
        [
            [
                arm,
                f"{one.n_results:,}",
                f"{one.input_tokens + one.output_tokens:,}",
                f"{one.model_calls:,}",
                f"{one.tool_calls:,}",
                _dollars(one),
                _per_task(one),
                f"{one.unpriced_calls:,}",
            ]
            for arm, one in found.items()
        ],
        arms=True,
    )
    return Section("cost", "What it costs", [per_task, total])


def _dollars(one: Spending) -> str:
    if one.unpriced_calls and not one.cost_usd:
        return UNKNOWN
    return usd(one.cost_usd)


def _per_task(one: Spending) -> str:
    if one.unpriced_calls and not one.cost_usd:
        return UNKNOWN
    mean: Interval = one.per_task.cost_usd
    return f"{usd(mean.value)} [{usd(mean.low)}, {usd(mean.high)}]"
