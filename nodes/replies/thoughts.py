"""Removes a chain of thought that a server leaves in the reply's text.

    <think>...</think>answer    the answer
    ...</think>answer           the answer: many chat templates write the opening tag themselves
    <think>...                  nothing: the model never came to its answer

Tags in code (a fence, or between backticks) belong to the answer.
"""

import re
from typing import Any, Final

from langchain_core.messages import AIMessage

_NAMES: Final = r"(?:seed:)?think|thinking|thoughts?|reasoning"
_OPEN: Final = rf"<(?:{_NAMES})\s*>|\[THINK\]|◁think▷"
_CLOSE: Final = rf"</(?:{_NAMES})\s*>|\[/THINK\]|◁/think▷"
_CODE: Final = r"```.*?(?:```|\Z)|`[^`\n]*`"
_TAG: Final = re.compile(rf"(?P<open>{_OPEN})|(?P<close>{_CLOSE})", re.IGNORECASE)
_TAG_OR_CODE: Final = re.compile(rf"{_TAG.pattern}|(?:{_CODE})", re.IGNORECASE | re.DOTALL)
# The channels of OpenAI's open models, where a server does not take them apart.
_FINAL: Final = "<|channel|>final<|message|>"
_CHANNEL_END: Final = re.compile(r"<\|(?:end|return)\|>\s*\Z")


def without_thoughts(text: str) -> str:
    """Return the text without its chain of thought; empty when nothing else is in it."""
    if _FINAL in text:
        text = _CHANNEL_END.sub("", text.rpartition(_FINAL)[2])
    if not _TAG.search(text):
        return text
    kept: list[str] = []
    at = position = 0
    is_thought = False
    # Inside a thought a backtick is often left open: only tags count there.
    while match := (_TAG if is_thought else _TAG_OR_CODE).search(text, position):
        position = match.end()
        if match["open"]:
            if not is_thought:
                kept.append(text[at : match.start()])
            is_thought = True
        elif match["close"]:
            if not is_thought:
                kept.clear()
            at, is_thought = position, False
    if not is_thought:
        kept.append(text[at:])
    return "".join(kept).strip()


def message_without_thoughts(message: AIMessage) -> AIMessage:
    """Remove thoughts from a message's text. Thought blocks stay: some providers want them back."""
    content: Any = message.content
    if isinstance(content, str):
        said: Any = without_thoughts(content)
    else:
        said = [_block(block) for block in content]
    return message if said == content else message.model_copy(update={"content": said})


def _block(block: Any) -> Any:
    if isinstance(block, str):
        return without_thoughts(block)
    if isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("text"), str):
        return block | {"text": without_thoughts(block["text"])}
    return block
