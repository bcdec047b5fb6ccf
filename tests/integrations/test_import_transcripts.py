"""Importers of transcripts of coding agents and of chats: what becomes an attempt, and what does not."""

from pathlib import Path
from typing import Any

import pytest

from memento.integrations.importers.record import NO_REPLY
from tests.export_files import (
    chat_row,
    chatgpt_conversation,
    claude_line,
    claude_session,
    codex_line,
    codex_message,
    codex_session,
    document,
    records,
    rows_of,
    written,
)


def test_a_prompt_with_its_tools_and_reply_is_an_attempt_of_unknown_outcome(tmp_path: Path) -> None:
    first, second = records("claude-code", written(tmp_path / "s.jsonl", claude_session(2)))
    assert (first.state, first.answer) == ("Fix the failing test number 0", "Test 0 passes now.")
    assert first.action == '1. Bash: {"command": "pytest -k t0"}'
    assert (first.reward, first.source_id, first.models) == (None, "u-1", {"executor": "claude-sonnet-5"})
    assert second.state.startswith("Fix the failing test number 1\n\nAsked before:\n- Fix the failing test number 0")


@pytest.mark.parametrize(
    "line",
    [
        claude_line("user", "Caveat: generated", 50, isMeta=True),
        claude_line("user", "This session is being continued", 50, isCompactSummary=True),
        claude_line("user", "<command-name>/clear</command-name>\n<command-message>clear</command-message>", 50),
        claude_line("user", "<local-command-stdout>done</local-command-stdout>", 50),
        claude_line("user", [{"type": "text", "text": "[Request interrupted by user for tool use]"}], 50),
        claude_line("user", "look at the files", 50, isSidechain=True),
        claude_line("assistant", [{"type": "text", "text": "API Error: 529"}], 50, isApiErrorMessage=True),
        claude_line("user", [{"type": "text", "text": "<system-reminder>be brief</system-reminder>"}], 50),
        claude_line("user", [{"type": "image", "source": {"type": "base64", "data": "iVBOR"}}], 50),
        {"type": "file-history-snapshot", "messageId": "m", "snapshot": {}},
        {"type": "queue-operation", "operation": "enqueue", "content": "later"},
    ],
)
def test_a_line_of_the_program_is_no_prompt(line: dict[str, Any], tmp_path: Path) -> None:
    session = claude_session(1)
    [record] = records("claude-code", written(tmp_path / "s.jsonl", [*session, line]))
    assert record.answer == "Test 0 passes now."


def test_a_prompt_without_a_reply_is_left_out_with_the_reason(tmp_path: Path) -> None:
    file = written(tmp_path / "s.jsonl", [*claude_session(1), claude_line("user", "And now?", 90)])
    assert [row.skipped for row in rows_of("claude-code", file) if row.skipped] == [NO_REPLY]


def test_sub_agents_files_are_left_out_when_a_folder_is_read(tmp_path: Path) -> None:
    written(tmp_path / "-home-me-app" / "5d6c.jsonl", claude_session(1))
    written(tmp_path / "-home-me-app" / "5d6c" / "subagents" / "a.jsonl", claude_session(1, first=7))
    assert len(records("claude-code", tmp_path)) == 1


@pytest.mark.parametrize("has_events", [True, False])
def test_a_rollout_gives_its_prompts_and_not_the_programs_own(has_events: bool, tmp_path: Path) -> None:
    lines = codex_session(2, has_events=has_events)
    first, second = records("codex", written(tmp_path / "rollout-1.jsonl", lines))
    assert (first.state, first.answer) == ("Rename module 0 of 0199-aa", "Module 0 is renamed.")
    assert first.action == '1. shell: {"command": ["git", "mv", "a0.py", "b0.py"]}'
    assert (first.reward, first.source_id, second.source_id) == (None, "0199-aa:0", "0199-aa:1")
    assert first.models == {"executor": "gpt-5-codex"}


def test_an_aborted_turn_is_no_failure(tmp_path: Path) -> None:
    lines = [*codex_session(1), codex_line("event_msg", {"type": "turn_aborted", "reason": "interrupted"})]
    [record] = records("codex", written(tmp_path / "rollout.jsonl", lines))
    assert record.reward is None


def test_other_calls_of_a_rollout_are_steps(tmp_path: Path) -> None:
    calls = [
        {"type": "local_shell_call", "action": {"type": "exec", "command": ["ls", "-l"]}, "status": "completed"},
        {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin Patch", "call_id": "1"},
        {"type": "web_search_call", "action": {"type": "search", "query": "langgraph"}},
    ]
    lines = codex_session(1) + [codex_line("response_item", call) for call in calls]
    [record] = records("codex", written(tmp_path / "rollout.jsonl", lines))
    assert record.action.splitlines()[1:] == [
        "2. local_shell: ls -l",
        "3. apply_patch: *** Begin Patch",
        "4. web_search: langgraph",
    ]


def test_bare_items_of_the_first_rollouts_are_read(tmp_path: Path) -> None:
    lines = [
        {"id": "s1", "timestamp": "2025-06-01T00:00:00Z", "instructions": None, "git": None},
        codex_message("user", "Add a license"),
        {"record_type": "state"},
        {"type": "function_call", "name": "shell", "arguments": '{"command":["touch","LICENSE"]}', "call_id": "c"},
        codex_message("assistant", "Added."),
    ]
    [record] = records("codex", written(tmp_path / "rollout.jsonl", lines))
    assert (record.state, record.answer, record.source_id) == ("Add a license", "Added.", "s1:0")


def test_chat_logs_give_an_attempt_a_turn(tmp_path: Path) -> None:
    first, second = records("openai-chat", written(tmp_path / "c.jsonl", [chat_row(1, weight=1), chat_row(2)]))
    assert (first.state, first.action, first.answer, first.reward) == ("Name river 1", "River 1", "", None)
    assert second.state == "Name river 2"


def test_tool_calls_of_a_chat_are_its_action(tmp_path: Path) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Lima"}'}}
    messages = [
        {
            "role": "user",
            "content": [{"type": "text", "text": "Weather in Lima?"}, {"type": "image_url", "image_url": {}}],
        },
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "18 C"},
        {"role": "assistant", "content": "18 degrees"},
    ]
    [record] = records("openai-chat", written(tmp_path / "c.jsonl", [{"messages": messages}]))
    assert record.state == "Weather in Lima?\n[image_url]"
    assert (record.action, record.answer) == ('1. weather: {"city": "Lima"}', "18 degrees")


@pytest.mark.parametrize(
    "row",
    [
        {
            "messages": [{"role": "user", "content": "Hi?"}],
            "choices": [{"message": {"role": "assistant", "content": "Ho"}}],
        },
        {
            "custom_id": "a",
            "body": {"messages": [{"role": "user", "content": "Hi?"}]},
            "response": {"body": {"choices": [{"message": {"role": "assistant", "content": "Ho"}}]}},
        },
        {
            "request": {"messages": [{"role": "user", "content": "Hi?"}]},
            "response": {"choices": [{"message": {"role": "assistant", "content": "Ho"}}]},
        },
    ],
)
def test_the_reply_is_found_where_it_is_apart_from_the_messages(row: dict[str, Any], tmp_path: Path) -> None:
    [record] = records("openai-chat", written(tmp_path / "c.jsonl", [row]))
    assert (record.state, record.action) == ("Hi?", "Ho")


def test_a_named_field_is_the_outcome_of_the_last_turn_only(tmp_path: Path) -> None:
    row = chat_row(1, metadata={"rating": "0.25"})
    row["messages"] += [{"role": "user", "content": "And another?"}, {"role": "assistant", "content": "River 9"}]
    first, last = records("openai-chat", written(tmp_path / "c.jsonl", [row]), score="rating")
    assert (first.reward, last.reward, last.scored_by) == (None, 0.25, "rating")
    assert [one.reward for one in records("openai-chat", tmp_path / "c.jsonl")] == [None, None]


def test_the_current_branch_of_a_chatgpt_conversation_is_read_with_its_thumbs(tmp_path: Path) -> None:
    document(tmp_path / "conversations.json", [chatgpt_conversation(number) for number in range(3)])
    thumbs = [
        {"id": "new-1", "conversation_id": "conversation-1", "user_id": "u", "rating": "thumbs_up", "content": "{}"},
        {"id": "new-2", "conversation_id": "conversation-2", "rating": "thumbs_down", "content": '{"text": "wrong"}'},
        {"id": "old-0", "conversation_id": "conversation-0", "rating": "thumbs_down", "content": "{}"},
    ]
    document(tmp_path / "message_feedback.json", thumbs)
    found = records("chatgpt", tmp_path)
    assert [one.action for one in found] == [f"The moon pulls, part {number}" for number in range(3)]
    assert [(one.reward, one.lesson) for one in found] == [(None, ""), (1.0, ""), (0.0, "wrong")]
    assert found[0].models == {"executor": "gpt-5"}


def test_a_chatgpt_tree_that_goes_round_ends(tmp_path: Path) -> None:
    conversation = chatgpt_conversation()
    conversation["mapping"]["root-0"]["parent"] = "new-0"
    assert len(records("chatgpt", document(tmp_path / "conversations.json", [conversation]))) == 1
