"""What the control arms show where the truth is known: `python -m benchmarks.control_arms --out DIR`; again goes on.

House rules from rewards alone, with a reader in the planner's place that follows what it is shown: of the earlier turns
in its prompt it copies the one most like the task, the later one of equals, in 8 of 10 tasks; otherwise, and without
any, it guesses. So it finds out by itself what bears on a task, as a capable model does with all attempts before it.
Shuffled outcomes must gain nothing; what is believed of blanked cases is credit given to noise.
"""

import argparse
import asyncio
import hashlib
import re
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from memento.cli.protocol_figures import print_protocol
from memento.evals.house_rules import RULES, Clerk, HousePlan, HouseSubtask, house_prompt, house_stream, house_tools
from memento.evals.house_rules import last_result as answer_of
from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.runner import EvalRunner, load_results
from memento.evals.statistics.figure import percent
from memento.evals.statistics.summary import summarize
from memento.evals.subject import Subject
from memento.evals.task import EvalTask, fingerprint
from memento.graph.deps import Deps
from memento.nodes.sources import MemorySource

ARMS = ("none", "context:8000", "advantage", "shuffled_outcomes", "advantage:blanked=0.1")
ROUND = 4
_FOLLOWS = 0.8
"""Share of tasks in which the reader copies what it is shown."""
_CONCURRENCY = 2


class Copier(BaseChatModel):
    """Plans the rule of the earlier turn that is most like the task, or guesses."""

    order: str
    """Draws follow from it and the task: the same in all arms."""

    @property
    def _llm_type(self) -> str:
        return "copier"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        task = messages[-1].text
        digest = hashlib.sha256(f"{self.order} {task}".encode()).digest()
        rule = RULES[int.from_bytes(digest[4:8]) % len(RULES)]
        turns = list(zip(messages[1:-1:2], messages[2:-1:2], strict=True))
        if turns and int.from_bytes(digest[:4]) < _FOLLOWS * 2**32:
            place = max(range(len(turns)), key=lambda one: (_likeness(turns[one][0].text, task), one))
            rule = HousePlan.model_validate_json(turns[place][1].text).subtasks[0].description
        reply = AIMessage(HousePlan(subtasks=[HouseSubtask(id="1", description=rule)]).model_dump_json())
        return ChatResult(generations=[ChatGeneration(message=reply)])


def _likeness(one: str, other: str) -> float:
    """Words in common, as a share of all."""
    mine, others = (set(re.findall(r"\w+", text.lower())) for text in (one, other))
    return len(mine & others) / len(mine | others)


def subject() -> Subject:
    """The workflow with the copier as its planner and the clerk as its executor."""

    def make_deps(memory: MemorySource) -> Deps:
        order = getattr(memory, "namespace", "").rpartition("-")[2]
        return Deps(
            memory=memory,
            planner=Copier(order=order),
            executor=Clerk(),
            judge=Clerk(),
            tools=house_tools(),
            plan_schema=HousePlan,
            planner_prompt=house_prompt,
            answer_from_results=answer_of,
        )

    return Subject(name="copier", make_deps=make_deps, settings={"evaluator": "exact", "max_cycles": 1})


def main() -> None:
    """Parse, run stream by stream, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.control_arms", description=__doc__)
    parser.add_argument("--tasks", type=int, default=90)
    parser.add_argument("--seeds", type=int, default=6, help="orders of the tasks")
    parser.add_argument("--arm", action="append", help="as of `memento eval run`; five arms by default")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    tasks = [
        EvalTask(id=str(number), question=one.text, references=[one.answer], source=one.rule)
        for number, one in enumerate(house_stream(options.tasks, seed=0))
    ]
    plan = RunPlan(
        dataset="house rules",
        tasks=fingerprint(tasks),
        n_tasks=len(tasks),
        subject="copier",
        scorer="exact",
        arms=[parse_arm(arm) for arm in options.arm or ARMS],
        seeds=list(range(options.seeds)),
        round=ROUND,
    )
    asyncio.run(_run(plan, tasks, options.out))
    results = list(load_results(options.out, plan))
    for arm in summarize(plan, results).arms:
        by_seed = " ".join(f"{value:.2f}" for value in arm.accuracy_by_seed.values())
        print(f"{arm.arm:26} {percent(arm.reward.weighted.interval)}  by order: {by_seed}")
    print_protocol(options.out, plan, results, as_json=False)


async def _run(plan: RunPlan, tasks: list[EvalTask], folder: Path) -> None:
    """Run one stream after the other: on a busy machine many at once would wait too long for their banks."""
    for key in plan.streams():
        runner = EvalRunner(
            plan, tasks=tasks, subject=subject(), folder=folder, concurrency=_CONCURRENCY, only=[key.name]
        )
        await runner.run()
        print(f"{key.name}: done", flush=True)


if __name__ == "__main__":
    main()
