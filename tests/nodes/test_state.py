"""The state: reducers, and JSON values that every checkpointer keeps as they are."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from memento.nodes.costs import spent_of
from memento.nodes.retrieve_case import fresh
from memento.nodes.state import MementoState, merge_artefacts, ready, remaining
from memento.nodes.subtasks import merge_results
from memento.nodes.usage import add_usage, no_usage
from tests.node_parts import a_run, begun


def result(cycle: int, name: str) -> Any:
    return {"cycle": cycle, "id": name, "description": "d", "result": "r", "is_complete": True, "tool_calls": []}


def keys(results: Any) -> list[tuple[int, str]]:
    return [(row["cycle"], row["id"]) for row in results]


def test_results_are_in_order_when_they_arrive_in_any() -> None:
    arrived = [result(2, "1"), result(1, "10"), result(1, "b"), result(1, "2"), result(1, "a")]
    assert keys(merge_results([], arrived)) == [(1, "2"), (1, "10"), (1, "a"), (1, "b"), (2, "1")]


def test_result_is_replaced_when_its_subtask_is_repeated() -> None:
    newer = result(1, "1") | {"result": "newer"}
    assert merge_results([result(1, "1")], [newer]) == [newer]


def test_reducers_start_afresh_when_given_none() -> None:
    assert merge_results([result(1, "1")], None) == []
    assert add_usage({"input_tokens": 1, "output_tokens": 1, "model_calls": 1}, None) == no_usage()


def test_results_sort_when_ids_are_digits_of_other_scripts() -> None:
    assert keys(merge_results([], [result(1, "\u00b2"), result(1, "2"), result(1, "\u0663")]))[0] == (1, "2")


@given(st.lists(st.tuples(st.integers(1, 3), st.text(min_size=1, max_size=3)), unique=True), st.randoms())
def test_results_do_not_depend_on_arrival_when_merged_in_any_order(names: list[tuple[int, str]], random: Any) -> None:
    rows = [result(*name) for name in names]
    shuffled = random.sample(rows, len(rows))
    one_by_one: Any = []
    for row in shuffled:
        one_by_one = merge_results(one_by_one, [row])
    assert one_by_one == merge_results([], rows)


def test_usage_adds_up_when_several_nodes_report() -> None:
    one: Any = {"input_tokens": 1, "output_tokens": 2, "model_calls": 3, "tool_calls": 4, "cost_usd": 0.5}
    one["unpriced_calls"] = 5
    assert add_usage(one, one) == {name: 2 * value for name, value in one.items()}


def test_usage_adds_up_when_the_thread_began_with_an_earlier_release() -> None:
    old: Any = {"input_tokens": 1, "output_tokens": 1, "model_calls": 1}
    assert add_usage(old, no_usage() | {"tool_calls": 2}) == no_usage() | old | {"tool_calls": 2}


def test_artefacts_are_named_once_when_subtasks_report_the_same() -> None:
    assert merge_artefacts(["b.csv"], ["a.png", "b.csv"]) == ["a.png", "b.csv"]
    assert merge_artefacts(["b.csv"], None) == []


def worked(*times: tuple[float, float]) -> Any:
    return begun(results=[result(1, str(n)) | {"began_at": a, "ended_at": b} for n, (a, b) in enumerate(times)])


def test_time_counts_once_when_subtasks_worked_at_once_and_not_at_all_when_nobody_did() -> None:
    state = worked((100.0, 104.0), (102.0, 103.0), (103.0, 106.0), (900.0, 901.5))
    assert spent_of(state)["seconds"] == 7.5
    assert spent_of(begun())["seconds"] == 0


def test_spent_is_what_the_usage_says_when_asked_for() -> None:
    usage: Any = no_usage() | {"input_tokens": 3, "output_tokens": 4, "model_calls": 2, "cost_usd": 0.1}
    assert spent_of(begun(usage=usage)) == {
        "model_calls": 2,
        "tool_calls": 0,
        "tokens": 7,
        "cost_usd": 0.1,
        "seconds": 0.0,
    }


def test_subtasks_are_ready_when_all_they_depend_on_has_a_result() -> None:
    plan: Any = [
        {"id": "1", "description": "", "depends_on": []},
        {"id": "2", "description": "", "depends_on": ["1"]},
        {"id": "3", "description": "", "depends_on": []},
        {"id": "4", "description": "", "depends_on": ["2", "3"]},
    ]
    assert [step["id"] for step in ready(begun(cycle=1, plan=plan))] == ["1", "3"]
    assert [step["id"] for step in ready(begun(cycle=1, plan=plan, results=[result(1, "1")]))] == ["2", "3"]
    after_two = begun(cycle=2, plan=plan, results=[result(1, "1"), result(2, "3")])
    assert [step["id"] for step in remaining(after_two)] == ["1", "2", "4"], "results of another cycle do not count"


def test_every_key_has_a_fresh_value_when_a_run_begins() -> None:
    input_keys = {"task", "messages", "reference", "attachments", "namespace", "key"}
    assert set(fresh(a_run())) == set(MementoState.__annotations__) - input_keys


def test_fresh_state_survives_the_strict_serializer_when_written_and_read() -> None:
    serializer = JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=None)
    state = fresh(a_run())
    assert serializer.loads_typed(serializer.dumps_typed(state)) == state
    assert json.loads(json.dumps(state)) == state
