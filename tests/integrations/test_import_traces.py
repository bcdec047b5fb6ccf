"""Importers of LangSmith and Langfuse: root runs are attempts, their scores the outcome, no scale is guessed."""

import json
from pathlib import Path
from typing import Any

import pytest

from memento.memory.errors import InvalidInput
from tests.export_files import (
    document,
    langfuse_score,
    langfuse_trace,
    langsmith_feedback,
    langsmith_run,
    langsmith_tool,
    records,
    rows_of,
    written,
)


def outcome(kind: str, path: Path, **options: Any) -> tuple[float | None, str]:
    [record] = records(kind, path, **options)
    return record.reward, record.scored_by


def refusals(kind: str, path: Path, **options: Any) -> list[str]:
    return [row.problem or row.skipped for row in rows_of(kind, path, **options) if row.record is None]


def test_a_root_run_is_an_attempt_with_its_tools_and_feedback(tmp_path: Path) -> None:
    rows = [
        langsmith_tool(1, 2),
        langsmith_run(1),
        langsmith_feedback(1, 1, comment="right", correction={"answer": "Lima"}),
        langsmith_tool(1, 1),
        langsmith_run(2),
    ]
    rows = rows_of("langsmith", written(tmp_path / "runs.jsonl", rows))
    first, second = [row.record for row in rows if row.record]
    assert first.state == "What is the capital of country 1?"
    assert first.action == "1. search: capital of country 1, look 1\n2. search: capital of country 1, look 2"
    assert (first.answer, first.reward, first.scored_by) == ("City 1", 1.0, "correctness")
    assert first.lesson == 'right\nWhat would have been right: {"answer": "Lima"}'
    assert (second.reward, second.action, second.answer) == (None, "City 2", "")
    assert [row.skipped for row in rows if row.skipped] == ["runs inside another run"] * 2


@pytest.mark.parametrize("is_before", [True, False])
def test_feedback_is_found_in_another_file_of_the_folder(is_before: bool, tmp_path: Path) -> None:
    written(tmp_path / "b_runs.jsonl", [langsmith_run(1)])
    document(tmp_path / ("a.json" if is_before else "c.json"), {"feedback": [langsmith_feedback(1, 0.5)]})
    assert outcome("langsmith", tmp_path) == (0.5, "correctness")


def test_answers_of_the_api_are_read_whatever_surrounds_them(tmp_path: Path) -> None:
    runs = [langsmith_run(number) for number in range(3)]
    assert len(records("langsmith", document(tmp_path / "a.json", {"runs": runs, "cursors": {"next": None}}))) == 3
    assert len(records("langsmith", document(tmp_path / "b.json", runs))) == 3
    assert len(records("langsmith", document(tmp_path / "c.json", {"runs": runs}, indent=None))) == 3


@pytest.mark.parametrize(
    ("stats", "reward"),
    [
        ({"n": 1, "avg": 0.0}, 0.0),
        ({"n": 3, "avg": 1.0}, 1.0),
        ({"n": 2, "avg": 0.5}, None),  # a 1 and a 0, or twice 0.5: who knows
        ({"n": 2, "avg": 0.5, "stdev": 0.05}, 0.5),
        ({"n": 2, "avg": 0.5, "stdev": 0.5}, None),
        ({"n": 1, "avg": None}, None),
        ("broken", None),
    ],
)
def test_a_mean_of_feedback_counts_when_its_spread_is_known_to_be_small(
    stats: Any, reward: float | None, tmp_path: Path
) -> None:
    run = langsmith_run(1, feedback_stats={"correctness": stats})
    assert outcome("langsmith", written(tmp_path / "r.jsonl", [run]))[0] == reward


def test_feedback_rows_count_before_the_mean(tmp_path: Path) -> None:
    run = langsmith_run(1, feedback_stats={"correctness": {"n": 1, "avg": 0.0}})
    assert outcome("langsmith", written(tmp_path / "r.jsonl", [run, langsmith_feedback(1, 1)]))[0] == 1.0


def test_an_error_is_an_unknown_outcome_whatever_an_evaluator_says(tmp_path: Path) -> None:
    rows = [langsmith_run(1, error="TimeoutError()", outputs={"answer": "half"}), langsmith_feedback(1, 0)]
    assert outcome("langsmith", written(tmp_path / "r.jsonl", rows)) == (None, "")


def test_feedback_on_an_inner_run_is_no_outcome_of_the_root(tmp_path: Path) -> None:
    rows = [langsmith_run(1), langsmith_tool(1, 1), langsmith_feedback(1, 0, run_id="tool-1-1")]
    assert [one.reward for one in records("langsmith", written(tmp_path / "r.jsonl", rows))] == [None]


def test_scores_that_disagree_are_an_unknown_outcome(tmp_path: Path) -> None:
    rows = [langsmith_run(1), langsmith_feedback(1, 1, id="a"), langsmith_feedback(1, 0, id="b")]
    assert outcome("langsmith", written(tmp_path / "r.jsonl", rows))[0] is None
    rows[2]["score"] = 0.8
    assert outcome("langsmith", written(tmp_path / "r.jsonl", rows))[0] == pytest.approx(0.9)


def test_one_of_several_scores_is_chosen_by_name(tmp_path: Path) -> None:
    rows = [langsmith_run(1), langsmith_feedback(1, 1), langsmith_feedback(1, 0, key="brevity")]
    file = written(tmp_path / "r.jsonl", rows)
    assert "several scores (brevity, correctness): choose one with `--score`" in refusals("langsmith", file)[0]
    assert outcome("langsmith", file, score="brevity") == (0.0, "brevity")
    with pytest.raises(InvalidInput, match="there are brevity, correctness"):
        outcome("langsmith", file, score="nothing of that name")


def test_a_range_scales_one_score_and_no_boolean(tmp_path: Path) -> None:
    rows = [langfuse_trace(1), langfuse_score(1, 1, kind="BOOLEAN", stringValue="True"), langfuse_trace(2)]
    file = written(tmp_path / "t.jsonl", [*rows, langfuse_score(2, 4, name="stars")])
    assert [one.reward for one in records("langfuse", file, score_range=(1.0, 5.0))] == [1.0, 0.75]
    file = written(
        tmp_path / "t.jsonl", [*rows, langfuse_score(2, 4, name="stars"), langfuse_score(2, 1, name="speed")]
    )
    with pytest.raises(InvalidInput, match="choose it with --score"):
        records("langfuse", file, score_range=(1.0, 5.0))
    runs = [langsmith_run(1), langsmith_feedback(1, True), langsmith_run(2), langsmith_feedback(2, False)]
    found = records("langsmith", written(tmp_path / "r.jsonl", runs), score_range=(1.0, 5.0))
    assert [one.reward for one in found] == [1.0, 0.0]


def test_a_comment_alone_does_not_hide_the_mean(tmp_path: Path) -> None:
    run = langsmith_run(1, feedback_stats={"correctness": {"n": 1, "avg": 1.0}})
    rows = [run, langsmith_feedback(1, None, comment="well done")]
    [record] = records("langsmith", written(tmp_path / "r.jsonl", rows))
    assert (record.reward, record.lesson) == (1.0, "well done")


@pytest.mark.parametrize("kind", ["langsmith", "langfuse"])
def test_a_scale_is_refused_when_any_of_its_values_lies_outside(kind: str, tmp_path: Path) -> None:
    """A 1 of a scale from 1 to 5 is the worst there is, and looks like the best of a scale from 0 to 1."""
    if kind == "langsmith":
        rows = [langsmith_run(1), langsmith_feedback(1, 1), langsmith_run(2), langsmith_feedback(2, 5)]
    else:
        rows = [langfuse_trace(1), langfuse_score(1, 1), langfuse_trace(2), langfuse_score(2, 5)]
    file = written(tmp_path / "r.jsonl", rows)
    told = refusals(kind, file)
    assert len(told) == 2
    assert "has values from 1 to 5" in told[0]
    assert "--range" in told[0]
    assert [one.reward for one in records(kind, file, score_range=(1.0, 5.0))] == [0.0, 1.0]
    assert [one.reward for one in records(kind, file, score_range=(5.0, 1.0))] == [1.0, 0.0]
    assert "outside the range 1 to 4" in refusals(kind, file, score_range=(1.0, 4.0))[0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.5, 10**400])
def test_a_score_that_is_no_share_is_never_an_outcome(value: Any, tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text(json.dumps(langsmith_run(1)) + "\n" + json.dumps(langsmith_feedback(1, value)) + "\n")
    rows = rows_of("langsmith", file)
    assert [row.record.reward for row in rows if row.record is not None] in ([], [None])


def test_a_label_counts_when_somebody_says_what_it_is_worth(tmp_path: Path) -> None:
    rows = [langsmith_run(1), langsmith_feedback(1, None, value="wrong")]
    file = written(tmp_path / "r.jsonl", rows)
    assert refusals("langsmith", file) == ["records with the label 'wrong': say what it is worth with `--label`"]
    assert outcome("langsmith", file, labels={"wrong": 0.0}) == (0.0, "correctness")


def test_messages_of_a_graph_are_task_steps_and_answer(tmp_path: Path) -> None:
    human = {"type": "human", "content": "Who wrote Emma?", "id": "1"}
    call = {"type": "ai", "content": "", "tool_calls": [{"name": "wiki", "args": {"title": "Emma"}, "id": "c"}]}
    told = [
        human,
        call,
        {"type": "tool", "content": "Austen", "tool_call_id": "c"},
        {"type": "ai", "content": "Austen"},
    ]
    run = langsmith_run(1, inputs={"messages": [human]}, outputs={"messages": told})
    [record] = records("langsmith", written(tmp_path / "r.jsonl", [run]))
    assert (record.state, record.action, record.answer) == ("Who wrote Emma?", '1. wiki: {"title": "Emma"}', "Austen")


def test_serialised_messages_of_a_model_run_are_read(tmp_path: Path) -> None:
    def message(name: str, text: str) -> dict[str, Any]:
        return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", name], "kwargs": {"content": text}}

    reply = {"generations": [[{"text": "Paris", "message": message("AIMessage", "Paris")}]]}
    given = {"messages": [[message("SystemMessage", "Be brief"), message("HumanMessage", "Capital of France?")]]}
    run = langsmith_run(1, run_type="llm", inputs=given, outputs=reply)
    [record] = records("langsmith", written(tmp_path / "r.jsonl", [run]))
    assert (record.state, record.action) == ("Capital of France?", "Paris")


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({"input": "Sum 1 and 2"}, "Sum 1 and 2"),
        ({"input": {"question": "Sum 1 and 2"}}, "Sum 1 and 2"),
        ({"anything": "Sum 1 and 2"}, "Sum 1 and 2"),
        ({"a": 1, "b": 2}, '{"a": 1, "b": 2}'),
        ("Sum 1 and 2", "Sum 1 and 2"),
    ],
)
def test_the_task_is_found_under_the_usual_names(given: Any, state: str, tmp_path: Path) -> None:
    [record] = records("langsmith", written(tmp_path / "r.jsonl", [langsmith_run(1, inputs=given)]))
    assert record.state == state


def test_a_trace_is_an_attempt_with_its_tools_and_scores(tmp_path: Path) -> None:
    tool = {
        "id": "o1",
        "type": "TOOL",
        "name": "dictionary",
        "input": {"word": "sea"},
        "startTime": "2026-04-01T08:00:01Z",
    }
    trace = langfuse_trace(1, observations=[tool], scores=[langfuse_score(1, 0.75, comment="close")])
    [record] = records("langfuse", document(tmp_path / "t.json", {"data": [trace], "meta": {"page": 1}}))
    assert (record.state, record.action) == ("Translate sentence 1", '1. dictionary: {"word": "sea"}')
    assert (record.answer, record.reward, record.lesson) == ("Satz 1", 0.75, "close")


@pytest.mark.parametrize(
    ("kind", "value", "more", "reward"),
    [
        ("BOOLEAN", 1, {"stringValue": "True"}, 1.0),
        ("BOOLEAN", 0, {"stringValue": "False"}, 0.0),
        ("BOOLEAN", None, {"stringValue": "False"}, 0.0),
        ("CATEGORICAL", 3, {"stringValue": "good"}, 0.9),
        ("NUMERIC", 0.5, {}, 0.5),
        ("NUMERIC", None, {}, None),
        ("CORRECTION", 0, {"stringValue": "better text"}, None),
    ],
)
def test_each_type_of_score_is_read(
    kind: str, value: Any, more: dict[str, Any], reward: float | None, tmp_path: Path
) -> None:
    rows = [langfuse_trace(1), langfuse_score(1, value, kind=kind, **more)]
    assert outcome("langfuse", written(tmp_path / "t.jsonl", rows), labels={"good": 0.9})[0] == reward


def test_a_column_of_the_exported_table_is_the_outcome_when_it_is_named(tmp_path: Path) -> None:
    rows = [
        langfuse_trace(1, scores=None, quality=[0.5, 0.7], ok=["True"]),
        langfuse_trace(2, scores=None, quality=None, ok=["False"]),
    ]
    file = written(tmp_path / "t.jsonl", rows)
    assert [one.reward for one in records("langfuse", file)] == [None, None]
    assert [one.reward for one in records("langfuse", file, score="quality")] == [pytest.approx(0.6), None]
    assert [one.reward for one in records("langfuse", file, score="ok")] == [1.0, 0.0]
    with pytest.raises(InvalidInput, match="no score of this export is named 'latency'"):
        records("langfuse", file, score="latency")


@pytest.mark.parametrize("more", [{"observationId": "o1"}, {"traceId": None, "sessionId": "s"}])
def test_a_score_of_something_else_is_no_outcome_of_the_trace(more: dict[str, Any], tmp_path: Path) -> None:
    rows = [langfuse_trace(1), langfuse_score(1, 0, **more)]
    assert outcome("langfuse", written(tmp_path / "t.jsonl", rows))[0] is None


def test_the_blob_storage_export_is_joined_over_its_folders(tmp_path: Path) -> None:
    root = {
        "id": "o1",
        "trace_id": "t1",
        "type": "AGENT",
        "name": "agent",
        "parent_observation_id": None,
        "start_time": "2026-05-01 10:00:00.000000",
        "input": json.dumps([{"role": "user", "content": "Book a table"}]),
        "output": "Booked",
    }
    tool = root | {"id": "o2", "type": "TOOL", "name": "book", "parent_observation_id": "o1", "input": '{"at": 8}'}
    score = {"id": "s", "trace_id": "t1", "name": "ok", "data_type": "BOOLEAN", "value": 1, "source": "API"}
    written(tmp_path / "observations_v2" / "0.jsonl", [tool, root])
    written(tmp_path / "scores" / "0.jsonl", [score])
    [record] = records("langfuse", tmp_path)
    assert (record.state, record.action, record.answer) == ("Book a table", '1. book: {"at": 8}', "Booked")
    assert (record.reward, record.source_id) == (1.0, "t1")
