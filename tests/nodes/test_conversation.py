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

from memento.memory.case_tokens import n_tokens
from memento.nodes.conversation import CONVERSATION_TOKENS, is_follow_up, open_question, said_before

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


def test_what_people_and_assistants_said_is_told_without_the_question_and_the_hand_offs() -> None:
    before = [SystemMessage("Be brief."), ASKED, *hand_off("math"), AIMessage("6 x 7 = 42", name="math"), ANSWER]
    messages = [*before, NEXT, *hand_off()]
    assert said_before(messages, NEXT) == [
        {"by": "person", "text": ASKED.text},
        {"by": "assistant", "text": "6 x 7 = 42"},
        {"by": "assistant", "text": "In Genoa."},
    ]
    assert said_before([NEXT], NEXT) == []


def test_long_conversations_are_told_from_their_end_within_a_budget() -> None:
    turns = [HumanMessage(f"{number} " + "x" * 5_000) for number in range(40)]
    said = said_before([*turns, NEXT], NEXT)
    assert [one["text"].split()[0] for one in said] == [str(number) for number in range(28, 40)]
    assert sum(n_tokens(one["text"]) for one in said) <= 1.1 * CONVERSATION_TOKENS


LONG = "Name the capital of the country whose flag has a maple leaf and say how many people live in that city today."


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("And when?", True),
        ("And when was he born?", True),
        ("Und wann wurde er geboren?", True),
        ("那是什么时候", True),
        ("What is the population of the city in which she lived for most of her life?", True),
        ("So how many people live in Genoa today, by the newest count?", True),
        ("Give the answer in French instead, and as a list of years with sources", False),
        ("How many people lived in Genoa in the year nineteen hundred, by the census?", False),
        ("x" * 1_001, False),
        (LONG, True),
        (LONG.replace("that city", "Ottawa"), False),
    ],
)
def test_a_text_that_is_short_or_refers_to_something_is_a_follow_up(text: str, is_one: bool) -> None:
    question = HumanMessage(text)
    assert is_follow_up([ASKED, ANSWER, question], question) is is_one
    assert not is_follow_up([question], question), "the first of a conversation follows nothing"
    assert not is_follow_up([SystemMessage("Be brief."), question], question)
