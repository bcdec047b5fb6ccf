"""What a conversation asks for, as chats leave it and as hosts that hand over do."""

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from memento.nodes.conversation import open_question

ASKED = HumanMessage("Where was Columbus born?")
NEXT = HumanMessage("And when?")
ANSWER = AIMessage("In Genoa.")


def hand_off(name: str = "memento", text: str = "", call_id: str = "1") -> list[AnyMessage]:
    """What a supervisor or a swarm leaves behind when it hands over."""
    call = {"name": f"transfer_to_{name}", "args": {}, "id": call_id, "type": "tool_call"}
    return [
        AIMessage(text, tool_calls=[call], name="supervisor"),
        ToolMessage(f"Successfully transferred to {name}", tool_call_id=call_id),
    ]


BROKEN_CALL = AIMessage(
    "", invalid_tool_calls=[{"name": "transfer", "args": "{", "id": "1", "error": None, "type": "invalid_tool_call"}]
)


@pytest.mark.parametrize(
    ("messages", "question"),
    [
        ([ASKED], ASKED),
        ([ASKED, ANSWER, NEXT], NEXT),
        ([ASKED, *hand_off()], ASKED),
        ([ASKED, *hand_off(text="I hand this over to memento.")], ASKED),
        ([ASKED, SystemMessage("You are one of several agents.")], ASKED),
        ([ASKED, *hand_off()[:1]], ASKED),
        ([ASKED, BROKEN_CALL], ASKED),
        ([ASKED, AIMessage(" \n")], ASKED),
        ([ASKED, AIMessage([{"type": "reasoning", "reasoning": "Genoa, I think."}])], ASKED),
        ([ASKED, ANSWER, NEXT, *hand_off(), SystemMessage("Be brief.")], NEXT),
        ([ASKED, *hand_off("math"), AIMessage("6 x 7 = 42", name="math"), *hand_off()], ASKED),
        ([HumanMessage("first"), ASKED], ASKED),
        ([ASKED, ANSWER], None),
        ([ASKED, *hand_off(), ANSWER], None),
        ([ASKED, ANSWER, SystemMessage("Be brief.")], None),
        ([ASKED, AIMessageChunk("In Genoa.")], None),
        ([ASKED, AIMessage([{"type": "output_text", "text": "In Genoa."}])], None),
        ([SystemMessage("Be brief.")], None),
        (hand_off(), None),
        ([], None),
    ],
)
def test_the_question_is_the_newest_one_that_no_final_answer_follows(
    messages: list[AnyMessage], question: HumanMessage | None
) -> None:
    assert open_question(messages) is question
