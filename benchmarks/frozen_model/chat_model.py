"""The frozen weights as a LangChain chat model, which the product's planner asks like any other.

Structured output is decoded under a schema that has finitely many instances: the model can say nothing else.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from pydantic import BaseModel, SkipValidation

from benchmarks.frozen_model.engine import FrozenWeights

_ROLES = {"system": "system", "human": "user", "ai": "assistant"}
_BEGIN, _END = "<|im_start|>assistant\n", "<|im_end|>\n"


class FrozenChatModel(BaseChatModel):
    """Answers with one of the replies that a schema allows."""

    weights: SkipValidation[FrozenWeights]
    sampling_seed: int | None = None
    """None decodes greedily; a seed samples, the same for the same prompt."""

    @property
    def _llm_type(self) -> str:
        return "smollm2-135m-frozen"

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Objects of `schema`, a pydantic class; `method` is not heeded, decoding is always constrained."""
        if not (isinstance(schema, type) and issubclass(schema, BaseModel)):
            raise NotImplementedError("this model answers pydantic classes only")
        whole = schema.model_json_schema()
        model = self.bind(replies=[self.written(one) for one in instances(whole, whole)])
        if not include_raw:
            return model | RunnableLambda(lambda raw: schema.model_validate_json(raw.text))
        kept = RunnablePassthrough.assign(parsed=lambda got: schema.model_validate_json(got["raw"].text))
        return {"raw": model} | kept

    @staticmethod
    def written(value: Any) -> str:
        """An object as the model writes it."""
        return shown(value)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("ask with ainvoke: prompts that wait are read together, on one event loop")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if "replies" not in kwargs:
            raise NotImplementedError("this model answers with structured output only")
        text, n = await self.weights.decode(chat_text(messages), kwargs["replies"], sampling_seed=self.sampling_seed)
        return ChatResult(generations=[ChatGeneration(message=answered(text, n, self._llm_type))])


def answered(text: str, n_read: int, model_name: str) -> AIMessage:
    """A reply, with the number of tokens that were read for it."""
    usage = {"input_tokens": n_read, "output_tokens": 1, "total_tokens": n_read + 1}
    return AIMessage(text, usage_metadata=usage, response_metadata={"model_name": model_name})


def chat_text(messages: list[BaseMessage]) -> str:
    """The conversation as the model was trained to read it, up to where its own turn begins."""
    return "".join(map(_turn, messages)) + _BEGIN


def _turn(message: BaseMessage) -> str:
    return f"<|im_start|>{_ROLES[message.type]}\n{message.text}{_END}"


def shown(value: Any) -> str:
    """An object in the fewest letters."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def instances(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[Any]:
    """All values that a schema allows.

    Args:
        schema: built of constants, enums and objects of such.
        whole: where its references lead.

    Raises:
        NotImplementedError: it allows infinitely many, or is built of something else.
    """
    if "$ref" in schema:
        yield from instances(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    elif "const" in schema or "enum" in schema:
        yield from schema.get("enum", [schema.get("const")])
    elif schema.get("properties"):
        parts = {name: list(instances(part, whole)) for name, part in schema["properties"].items()}
        for values in product(*parts.values()):
            yield dict(zip(parts, values, strict=True))
    else:
        raise NotImplementedError(f"not a finite schema: {shown(schema)[:200]}")
