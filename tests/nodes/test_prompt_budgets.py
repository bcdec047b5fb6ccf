"""Token budgets: long texts are shortened and say so, short ones stay whole, and together they fit."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from memento.memory.case_tokens import n_tokens
from memento.nodes.prompt_budgets import (
    LIST_CHARS,
    all_shortened,
    fitted_cases,
    fitted_results,
    listed,
    shares,
    shortened,
)
from memento.nodes.prompts import executor_messages, judge_messages, planner_messages, rubric_messages
from tests.node_parts import a_run
from tests.nodes.test_prompts import a_case, a_result

HUGE = "find it, step by step. " * 26_000  # 600 kB


def chars(messages: Any) -> int:
    return len(messages[-1].text)


@given(st.lists(st.integers(0, 10_000), max_size=12), st.integers(0, 20_000))
def test_shares_are_fair_whatever_the_sizes(sizes: list[int], total: int) -> None:
    given_ = shares(sizes, total)
    assert sum(given_) <= total
    assert all(one <= size for one, size in zip(given_, sizes, strict=True))
    cut = [one for one, size in zip(given_, sizes, strict=True) if one < size]
    assert not cut or max(given_) <= max(cut) + 1, "nobody has more than one that was cut"
    assert sum(sizes) > total or given_ == sizes


@given(st.text(max_size=400), st.integers(20, 60))
def test_text_is_whole_or_says_what_is_missing(text: str, max_tokens: int) -> None:
    short = shortened(text, max_tokens)
    assert (short == text) == (n_tokens(text) <= max_tokens)
    assert short == text or "characters left out" in short


def test_long_cases_are_shortened_and_short_ones_stay_whole_when_they_share_a_budget() -> None:
    cases = [a_case(), {**a_case(), "action": HUGE}, {**a_case(), "lesson": HUGE, "answer": HUGE}]
    fit = fitted_cases(cases, 8_000)
    assert fit[0] is cases[0]
    assert "characters left out" in fit[1]["action"]
    assert fit[1]["state"] == cases[1]["state"]
    assert "characters left out" in fit[2]["lesson"]
    assert sum(n_tokens(case[name]) for case in fit for name in ("state", "action", "lesson")) < 8_200  # type: ignore[literal-required]
    assert len(fit[2]["answer"]) < 40_000
    assert fitted_cases(cases[:1], 8_000) == cases[:1]


def test_budget_is_about_tokens_when_characters_have_many_bytes() -> None:
    texts = ["例" * 50_000, "x" * 150_000]
    chinese, latin = all_shortened(texts, 10_000)
    assert len(latin) > 2.5 * len(chinese)


def test_prompt_stays_within_its_budget_when_a_case_has_600_kb() -> None:
    cases = [a_case(HUGE), a_case(HUGE, 0.0), a_case()]
    prompt = planner_messages(run=a_run(), cases=cases, results=[], is_last=False, feedback="")
    assert chars(prompt) < 8_000 * 4 + 3_000
    assert "characters left out" in prompt[-1].text
    run = a_run(settings={"max_case_tokens": 400})
    assert chars(planner_messages(run=run, cases=cases, results=[], is_last=False, feedback="")) < 5_000
    earlier = a_run()
    del earlier["settings"]["max_case_tokens"]
    planner_messages(run=earlier, cases=cases, results=[], is_last=False, feedback="")


def test_every_prompt_is_bounded_when_results_answers_references_files_or_rejections_are_long() -> None:
    results = [a_result(HUGE, str(n)) for n in range(4)]
    run = a_run(references=[HUGE, "42"], attachments=[f"{n}-{'x' * 60}.txt" for n in range(20_000)])
    step: Any = {"id": "2", "description": "check", "depends_on": ["1"]}
    planner = planner_messages(run=run, cases=[], results=results, is_last=False, feedback=HUGE)
    assert chars(planner) < (30_000 + 30_000) * 4 + LIST_CHARS + 5_000
    assert "more left out" in planner[-1].text
    assert chars(executor_messages(run=run, subtask=step, earlier=results, max_tokens=1_000)) < 20_000
    assert chars(judge_messages(run=run, answer=HUGE, max_tokens=1_000)) < 6_000
    assert chars(rubric_messages(run=run, answer=HUGE, results=results, max_tokens=1_000)) < 7_000


def test_results_are_the_same_when_they_fit() -> None:
    results = [a_result("a"), a_result("b", "2")]
    assert fitted_results(results, 1_000) == results


def test_files_that_find_no_room_are_counted() -> None:
    assert listed(["a", "b"]) == "a\nb"
    assert listed(["a" * 10, "b" * 10, "c"], 15) == f"{'a' * 10}\n… 2 more left out"
