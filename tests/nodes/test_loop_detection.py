"""Whether a model goes round in circles."""

from collections.abc import Sequence

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from memento.nodes.agent.loop_detection import turns_in_circle


def turns(pattern: str, results: Sequence[str] | None = None) -> list[BaseMessage]:
    """One turn a letter: what is called, and, if given, with which results."""
    messages: list[BaseMessage] = [HumanMessage("go")]
    for number, letter in enumerate(pattern):
        call = {"name": "look", "args": {"at": letter}, "id": str(number), "type": "tool_call"}
        messages.append(AIMessage("", tool_calls=[call]))
        messages.append(ToolMessage(results[number] if results else letter, tool_call_id=str(number)))
    return messages


@pytest.mark.parametrize(
    ("pattern", "n_turns"),
    [("", 0), ("A", 0), ("AB", 0), ("AA", 2), ("AAA", 3), ("ABA", 0), ("ABAB", 4), ("ABABAB", 6), ("ABABC", 0),
     ("CAAA", 3), ("AAAB", 0), ("ABCABC", 0), ("A" * 50, 6)],
)  # fmt: skip
def test_circles_of_one_and_two_are_seen_when_they_are_the_last_turns(pattern: str, n_turns: int) -> None:
    assert turns_in_circle(turns(pattern)) == n_turns


def test_there_is_no_circle_when_results_change() -> None:
    assert turns_in_circle(turns("AAAA", ["1 %", "50 %", "99 %", "done"])) == 0


def test_a_circle_is_seen_when_each_turn_makes_several_calls() -> None:
    messages: list[BaseMessage] = []
    for number in range(4):
        ids = [f"{number}-{n}" for n in range(3)]
        calls = [{"name": "look", "args": {"b": 1, "a": [n]}, "id": i, "type": "tool_call"} for n, i in enumerate(ids)]
        messages += [AIMessage("", tool_calls=calls), *(ToolMessage("same", tool_call_id=i) for i in ids)]
    assert turns_in_circle(messages) == 4
