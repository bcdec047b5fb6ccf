"""Whether llama.cpp, as the product runs the same weights, chooses the same names.

python -m benchmarks.frozen_model.agreement
"""

import asyncio
import random
import time

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from benchmarks.frozen_model.chat_model import FrozenChatModel, shown
from benchmarks.frozen_model.engine import FrozenWeights
from benchmarks.frozen_model.families import Family, routing
from benchmarks.frozen_model.one_step import plan_of
from benchmarks.recorded import RECORDED
from memento.graph.local_model import find_packaged_model
from memento.graph.models import ChatModels
from memento.nodes.plan import Plan
from memento.nodes.structured import StructuredCaller

N = 40
_SHOWN = 4


def prompts(family: Family, *, n: int, seed: int = 0) -> list[list[BaseMessage]]:
    """Prompts of the experiment's form, their cases drawn by lot: hard ones, for nothing in them decides."""
    chance = random.Random(seed)
    asked = []
    for _ in range(n):
        *cases, last = chance.sample(family.tasks, _SHOWN + 1)
        messages: list[BaseMessage] = [
            SystemMessage(f"Choose the desk for the question. Desks: {', '.join(family.names)}.")
        ]
        for case in cases:
            messages += [HumanMessage(case.question), AIMessage(shown({"name": family.right(case)}))]
        asked.append([*messages, HumanMessage(last.question)])
    return asked


async def main() -> None:
    """Ask both, print how often they agree."""
    family = routing(300, file=RECORDED / "deepresearcher.jsonl")
    asked, schema = prompts(family, n=N), plan_of(family.names)
    with FrozenWeights(find_packaged_model()) as weights:
        own = await _answers(FrozenChatModel(weights=weights), schema, asked)
    models = ChatModels(planner="local")
    try:
        served = await _answers(await models.get("planner"), schema, asked)
    finally:
        await models.aclose()
    n_same = sum(one == other for one, other in zip(own, served, strict=True))
    print(f"the same name for {n_same} of {N} prompts")


async def _answers(model: BaseChatModel, schema: type[Plan], asked: list[list[BaseMessage]]) -> list[str]:
    caller, began = StructuredCaller(), time.perf_counter()
    plans = [(await caller.ask(model, schema, messages)).value for messages in asked]
    print(f"{type(model).__name__}: {(time.perf_counter() - began) / len(asked):.2f} s a prompt, start included")
    return [plan.steps()[0]["description"] for plan in plans]


if __name__ == "__main__":
    asyncio.run(main())
