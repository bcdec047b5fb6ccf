"""The frozen model as a player: goes on with the list of the actions that it has taken.

A model of 135M copies best what stands in the same form: the cases list their actions one a line, so the reply is the
next line of such a list. It does not read the actions that can be taken, to which decoding is held anyway: what was
read of an episode is kept, and only the newest step and the list are read.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, Final

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from benchmarks.frozen_model.chat_model import FrozenChatModel, answered
from benchmarks.frozen_model.engine import FrozenWeights
from memento.evals.subject import Subject
from memento.graph.deps import Deps
from memento.nodes.sources import MemorySource

TEMPERATURE: Final = 0.5
_ACTIONS: Final = re.compile(r"\n\n<actions>\n[^<]*\n</actions>\Z")
_OBSERVATION: Final = re.compile(r"</?observation>")


class FrozenPlayer(FrozenChatModel):
    """Chooses among the actions that can be taken."""

    sampling_seed: int
    temperature: float = TEMPERATURE

    @staticmethod
    def written(value: Any) -> str:
        """The action of a reply, as a line: no line is the beginning of another."""
        return f"{value['action']}\n"

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        line, n = await self.weights.choose(
            list_parts(messages), kwargs["replies"], temperature=self.temperature, sampling_seed=self.sampling_seed
        )
        reply = answered(json.dumps({"action": line.removesuffix("\n")}, ensure_ascii=False), n, self._llm_type)
        return ChatResult(generations=[ChatGeneration(message=reply)])


def list_parts(messages: Sequence[BaseMessage]) -> list[str]:
    """An episode in parts: what opens it, what was seen after each action, a line each, the list to go on with.

    Args:
        messages: of an episode's conversation, which ends with what is seen now.
    """
    texts = [_ACTIONS.sub("", message.text) for message in messages]
    actions = [json.loads(said)["action"] for said in texts[2::2]]
    return [
        f"<|im_start|>system\n{texts[0]}<|im_end|>\n",
        f"<|im_start|>user\n{texts[1]}\n\n",
        *(f"{' '.join(_OBSERVATION.sub('', seen).split())}\n" for seen in texts[3::2]),
        "<|im_end|>\n<|im_start|>assistant\n" + "".join(f"{line}\n" for line in ("Actions:", *actions)),
    ]


def player_subject(weights: FrozenWeights, *, temperature: float = TEMPERATURE) -> Subject:
    """The product around the frozen model; each stream has draws of its own."""

    def make_deps(memory: MemorySource) -> Deps:
        namespace: str = getattr(memory, "namespace", "")
        seed = int.from_bytes(hashlib.sha256(namespace.encode()).digest()[:4])
        model = FrozenPlayer(weights=weights, sampling_seed=seed, temperature=temperature)
        return Deps(memory=memory, planner=model, executor=model, judge=model)

    return Subject(name=f"frozen-135m, temperature {temperature:g}", make_deps=make_deps)
