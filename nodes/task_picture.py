"""The picture of a task's situation: the first image of its message."""

import asyncio
from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage

from memento.memory.errors import InvalidInput
from memento.memory.pictures import CasePicture, picture_of
from memento.nodes.message_files import first_image
from memento.nodes.state import Run


def picture_in(message: BaseMessage) -> tuple[CasePicture | None, str]:
    """Return the picture of a message, and a notice where it has one that is not kept. Blocks: call it in a thread."""
    content = first_image(message)
    if content is None:
        return None, ""
    try:
        return picture_of(content), ""
    except InvalidInput as error:
        return None, f"the task's picture is not used: {error}"


async def picture_among(messages: Sequence[BaseMessage], run: Run) -> CasePicture | None:
    """Return the run's picture from the message that has it, newest first; None where it has none or it is gone."""
    wanted = run.get("picture")
    if not wanted:
        return None
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            found, _ = await asyncio.to_thread(picture_in, message)
            if found is not None and found.hash == wanted:
                return found
    return None
