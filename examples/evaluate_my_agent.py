"""Does memory help on your tasks: your agent with and without it, in several orders of the tasks, with an interval.

    pip install 'memento-langgraph[evals]'
    OPENAI_API_KEY=... python examples/evaluate_my_agent.py          # six orders; below that there is no verdict
    OPENAI_API_KEY=... python examples/evaluate_my_agent.py 2

From the command line, with tasks in a file (see docs/evaluation-arms.md for arms and controls):

    cd examples; memento eval run --dataset FILE --subject evaluate_my_agent:subject --arm none --arm advantage
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from memento import Deps
from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.runner import EvalRunner, load_results
from memento.evals.statistics.summary import summarize
from memento.evals.subject import Correction, Subject
from memento.evals.task import EvalTask, fingerprint

FORMS = {"Norway": "A7", "Peru": "C2", "Chad": "F9"}  # a rule of the house, which no model knows
TASKS = [
    EvalTask(id=f"{thing}-{land}", question=f"Which form goes with a {thing} to {land}?", references=[form])
    for thing in ("parcel", "letter")
    for land, form in FORMS.items()
]
MODEL = "openai:gpt-4.1-mini"


def subject() -> Subject:
    """The agent that is evaluated: the graph's parts around the memory that each stream of tasks has."""
    return Subject(
        name="clerk",
        make_deps=lambda memory: Deps(memory=memory, planner=MODEL),
        correction=lambda task: Correction(f"answer {task.references[0]}", task.references[0]),  # after a wrong answer
        settings={"evaluator": "exact", "max_cycles": 1},
    )


async def main(n_orders: int, folder: Path) -> None:
    """Run both arms, and print what can be said."""
    plan = RunPlan(dataset="forms", tasks=fingerprint(TASKS), n_tasks=len(TASKS), subject="clerk", scorer="exact",
                   arms=[parse_arm("none"), parse_arm("advantage")], seeds=list(range(n_orders)),
                   feedback="correction")  # fmt: skip
    await EvalRunner(plan, tasks=TASKS, subject=subject(), folder=folder).run()
    summary = summarize(plan, list(await asyncio.to_thread(lambda: list(load_results(folder, plan)))))
    for arm in summary.arms:
        print(f"{arm.arm}: {arm.reward.weighted.interval:.2f} of {arm.n_results} right, {arm.n_unknown} unknown")
    for comparison in summary.comparisons:
        print(comparison)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 6, Path(made)))
