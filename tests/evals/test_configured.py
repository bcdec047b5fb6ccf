"""The configured agent as a subject: its models by name, a workspace of the run's own, memories on a Qdrant server."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from memento.evals.configured import check_unseen, opened_subject
from memento.evals.import_by_name import import_by_name
from memento.graph.settings import Settings
from memento.memory.errors import InvalidInput
from memento.nodes.errors import NoModelConfigured, UnknownModel
from tests.hashing_encoder import HashingEncoder
from tests.node_parts import failing
from tests.wire_shim import WireShim

NO_MEMORY = failing(AssertionError("asked for"))


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "nobody's")
    monkeypatch.setenv("MEMENTO_PLANNER", "openai:one")


async def test_models_stand_in_the_name_so_that_a_run_goes_on_with_the_same(keyed: None, tmp_path: Path) -> None:
    async with opened_subject(None, folder=tmp_path, settings={"executor": "openai:two"}) as (
        subject,
        encoder,
        notices,
    ):
        assert subject.name == "configured agent (planner one, executor two, judge gpt-4o-mini)"
        assert (encoder, notices) == (None, [])
        deps = subject.make_deps(NO_MEMORY)
        assert deps.memory is NO_MEMORY
        assert callable(deps.workspace)
        assert deps.workspace() == tmp_path / "workspace"
    assert not (tmp_path / "workspace").exists()


@pytest.mark.parametrize(("settings", "error"), [({}, NoModelConfigured), ({"planner": "magic"}, UnknownModel)])
async def test_a_missing_or_wrong_model_is_told_before_anything_begins(
    settings: dict[str, str], error: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(error):
        async with opened_subject(None, folder=tmp_path, settings=settings):
            pytest.fail("opened")


@pytest.mark.parametrize("evaluator", ["exact", "auto"])
async def test_a_missing_judge_is_told_and_stops_nothing_when_a_rule_can_decide(
    evaluator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMENTO_JUDGE", "magic")
    monkeypatch.setenv("OPENAI_API_KEY", "nobody's")
    async with opened_subject(None, folder=tmp_path, settings={"evaluator": evaluator}) as (subject, _, notices):
        assert subject.name == "configured agent (planner gpt-4.1, executor o4-mini)"
    assert "stay unscored: unknown model 'magic'" in notices[0]
    with pytest.raises(UnknownModel):
        async with opened_subject(None, folder=tmp_path, settings={"evaluator": "judge"}):
            pytest.fail("opened")


@pytest.fixture
def shim() -> Iterator[WireShim]:
    with WireShim() as shim:
        yield shim


async def test_streams_have_collections_of_their_own_when_a_server_is_configured(
    keyed: None, shim: WireShim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMENTO_QDRANT_URL", shim.url)
    found = []
    async with opened_subject(None, folder=tmp_path, settings={}) as (subject, _, _):
        for name in ("one", "two"):
            folder, encoder = tmp_path / name, HashingEncoder()
            opened = subject.open_memory(folder, policy="similarity", namespace="a", seed=0, encoder=encoder)
            async with opened as memory:
                assert memory.bank.engine_name == "server"
                await memory.write(state=f"the capital of {name}", action="look it up", reward=1.0)
                reading = await memory.read("the capital of three")
                found.append([slot.case.state for slot in reading.cases])
            assert (folder / "bank" / "ledger.sqlite").exists()
    assert found == [["the capital of one"], ["the capital of two"]]


def test_what_tools_may_read_is_refused_when_answers_lie_there(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    (shelf / "inner").mkdir(parents=True)
    settings = Settings(files=str(shelf))
    (tmp_path / "link").symlink_to(shelf / "inner")
    check_unseen([tmp_path / "data.jsonl", tmp_path / "shelf-2"], settings)
    for path in (shelf, shelf / "inner" / "data.jsonl", tmp_path / "link" / "data.jsonl"):
        with pytest.raises(InvalidInput, match="MEMENTO_FILES"):
            check_unseen([tmp_path, path], settings)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("json", "write package.module:function"),
        ("json:", "write package.module:function"),
        (":loads", "write package.module:function"),
        ("nowhere.at.all:make", "there is no module 'nowhere'"),
        ("json:make", "make does not exist; it should be a maker"),
        ("json:__name__", "__name__ is not a function"),
        ("broken_on_purpose:make", "importing broken_on_purpose fails: RuntimeError: as it should"),
        ("needs_more:make", "there is no module 'not_installed_here'"),
    ],
)
def test_what_is_wrong_is_named_when_a_function_cannot_be_had(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_on_purpose.py").write_text("raise RuntimeError('as it should')")
    (tmp_path / "needs_more.py").write_text("import not_installed_here")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(InvalidInput) as caught:
        import_by_name(name, wanted="a maker")
    assert said in str(caught.value)
