"""The frozen model as a player: reads what it sees, and chooses among the actions that can be taken.

It does not read the list of these actions, to which decoding is held anyway: so its conversation only grows, and
what was read of it is kept.
"""

import hashlib
import json
import re
from typing import Any, Final

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult

from benchmarks.frozen_model.chat_model import FrozenChatModel
from benchmarks.frozen_model.engine import FrozenWeights
from memento.evals.subject import Subject
from memento.graph.deps import Deps
from memento.nodes.sources import MemorySource

TEMPERATURE: Final = 0.5
_ACTIONS: Final = re.compile(r"\n\n<actions>\n[^<]*\n</actions>\Z")


class FrozenPlayer(FrozenChatModel):
    """Writes actions as the product's conversation shows them."""

    temperature: float | None = TEMPERATURE

    @staticmethod
    def written(value: Any) -> str:
        """An object as earlier turns of the conversation have it."""
        return json.dumps(value, ensure_ascii=False)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        seen = messages[-1].model_copy(update={"content": _ACTIONS.sub("", messages[-1].text)})
        return await super()._agenerate([*messages[:-1], seen], stop, run_manager, **kwargs)


def player_subject(weights: FrozenWeights, *, temperature: float = TEMPERATURE) -> Subject:
    """The product around the frozen model; each stream has draws of its own."""

    def make_deps(memory: MemorySource) -> Deps:
        namespace: str = getattr(memory, "namespace", "")
        seed = int.from_bytes(hashlib.sha256(namespace.encode()).digest()[:4])
        model = FrozenPlayer(weights=weights, sampling_seed=seed, temperature=temperature)
        return Deps(memory=memory, planner=model, executor=model, judge=model)

    return Subject(name=f"frozen-135m, temperature {temperature:g}", make_deps=make_deps)
