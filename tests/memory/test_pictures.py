"""Pictures of situations: kept once, read back, erased, exported, and searched by, in every engine."""

import io
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput, UnknownPicture
from memento.memory.experience import Experience
from memento.memory.image_encoder import ThreadImageEncoder, embedded
from memento.memory.interchange import exported_row, read_cases
from memento.memory.pictures import MAX_PICTURE_BYTES, picture_of
from memento.memory.thumbnails import thumbnail_encoder
from tests.hashing_encoder import HashingEncoder
from tests.memories import Place, place
from tests.readme_examples import readme_example
from tests.screens import FAR, HERE, NEAR, screen

pytestmark = pytest.mark.allow_blocking("files are written and read")

GAME = "Reach the green goal."


@pytest.fixture(params=[":memory:", "folder", "server", pytest.param("postgres", marks=pytest.mark.slow)])
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    address = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    with place(request.param, tmp_path / "bank", address) as found:
        yield found


@pytest.fixture
async def memory(at: Place) -> AsyncIterator[CaseMemory]:
    async with at.memory(seed=7, image_encoder="thumbnail") as memory:
        yield memory


@pytest.fixture
async def alone() -> AsyncIterator[CaseMemory]:
    """A memory of this process alone, for what no engine decides."""
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), policy="similarity", seed=7) as memory:
        yield memory


async def similarity(memory: CaseMemory, query: str = GAME, **fields: Any) -> dict[str, float]:
    """Cosines of the cases that a read serves, by their actions."""
    reading = await memory.read(query, k=8, **fields)
    assert not reading.is_degraded, reading.notices
    return {scored.case.action: scored.similarity for scored in reading.cases}


async def counts(memory: CaseMemory) -> tuple[int, int]:
    """Rows of pictures, and of their vectors."""

    def look(connection: Any) -> tuple[int, int]:
        from sqlalchemy import func, select

        from memento.memory.ledger.schema import pictures, vectors

        of_pictures = vectors.c.encoder.like("image:thumbnail%")
        n_vectors = connection.scalar(select(func.count()).select_from(vectors).where(of_pictures))
        return connection.scalar(select(func.count()).select_from(pictures)), n_vectors

    return await memory._storage.ledger.query(look)


async def test_a_picture_is_kept_once_and_tells_tasks_of_one_text_apart(memory: CaseMemory) -> None:
    first = await memory.write(state=GAME, action="go right", reward=1.0, picture=HERE)
    second = await memory.write(state=GAME, action="go right", reward=0.0, picture=FAR)
    again = await memory.write(state=GAME, action="go right", reward=0.0, picture=HERE)
    assert first == again != second
    case = (await memory.views.cases([first or ""], namespace="default"))[first or ""]
    assert (case.reward, case.picture) == (0.5, getattr(picture_of(HERE), "hash", ""))
    kept = await memory.picture(case.picture)
    assert (kept.content, kept.media_type) == (HERE, "image/png")
    assert (await counts(memory))[0] == 2
    assert await similarity(memory, picture=HERE) == {"go right": pytest.approx(similar(HERE, FAR), abs=1e-3)}
    with pytest.raises(UnknownPicture, match="no picture"):
        await memory.picture(case.picture, namespace="other")


def similar(one: bytes, other: bytes) -> float:
    """Mean of the cosines of two situations with the same text."""
    rows = thumbnail_encoder()._embedded([one, other])
    return float((1 + rows[0] @ rows[1]) / 2)


async def test_cases_are_found_by_picture_where_texts_say_nothing(memory: CaseMemory) -> None:
    nearer = [f"{GAME} {number}" for number in range(70)]  # more than are recalled by text
    given = [Experience(state=state, action=state, reward=1.0, picture=FAR) for state in nearer]
    await memory.write_all(given)
    await memory.write(state="Something else entirely, in words of its own.", action="near", reward=1.0, picture=NEAR)
    by_text = await similarity(memory)
    assert "near" not in by_text
    found = await memory.recall(GAME, picture=HERE)
    assert any(abs(one.similarity - (similar(HERE, NEAR) - 0.5)) < 0.15 for one in found.candidates)
    assert len(found.candidates) > 64
    degraded = await memory.read(GAME, picture=HERE, policy="none")
    assert not degraded.cases


async def test_the_nearer_picture_comes_first_for_the_same_text(at: Place) -> None:
    async with at.memory(image_encoder="thumbnail") as memory:
        for name, picture in (("near", NEAR), ("far", FAR)):
            await memory.write(state=GAME, action=name, reward=1.0, picture=picture)
        await memory.write(state=f"{GAME} really", action="without", reward=1.0)
        found = await similarity(memory, picture=HERE)
        assert found["near"] > found["far"]
        assert found["near"] == pytest.approx(similar(HERE, NEAR), abs=1e-3)
        texts = await similarity(memory)
        assert texts["near"] == texts["far"] == pytest.approx(1.0)
        assert found["without"] == pytest.approx(texts["without"]), "a case without a picture has its text alone"
        assert (await similarity(memory, picture=HERE, policy="random"))["near"] == pytest.approx(found["near"])
        await memory.bank.rebuild()
    async with at.memory() as memory:
        if at.is_kept:
            found = await similarity(memory, picture=HERE)
            assert found["near"] == found["far"] == pytest.approx(1.0), "without an image encoder, by text"


async def test_an_unknown_outcome_keeps_its_picture_for_the_feedback(alone: CaseMemory) -> None:
    reading = await alone.read(GAME, picture=HERE)
    await alone.write(state=GAME, action="wait", reward=None, picture=HERE, event_id=reading.event_id)
    case_id = await alone.feedback(reading.event_id, 1.0)
    case = (await alone.views.cases([case_id or ""], namespace="default"))[case_id or ""]
    assert (await alone.picture(case.picture)).content == HERE
    assert not await similarity(alone, picture=HERE), "its own case"
    assert await alone.write(state=GAME, action="nothing kept", reward=None, picture=FAR) is None
    assert (await counts(alone))[0] == 1


async def test_a_given_key_and_that_of_the_reading_stand_before_the_pictures(alone: CaseMemory) -> None:
    reading = await alone.read(GAME, key="level 3", picture=HERE)
    written = Experience(state=GAME, action="a", reward=1.0, picture=HERE, event_id=reading.event_id)
    case_id = await alone.write(written) or ""
    assert (await alone.views.cases([case_id], namespace="default"))[case_id].key == "level 3"
    newer = await alone.write(state=GAME, action="a", reward=1.0, key="level 3", picture=NEAR)
    without = await alone.write(state=GAME, action="a", reward=1.0, key="level 3")
    assert case_id == newer == without
    kept = (await alone.views.cases([case_id], namespace="default"))[case_id].picture
    assert (await alone.picture(kept)).content == NEAR, "the newest attempt's that has one"


def n_indexed(at: Place) -> int:
    """Points of pictures on the server, or files of them in a folder."""
    if at.shim is not None:
        (name,) = [name for name in at.shim.names() if "_pictures__" in name]
        return at.shim.client.count(name).count
    held = Path(at.arguments["location"]).glob("index-*/pictures/slot-0/**/*")
    return len([path for path in held if path.is_file()])


def contents(at: Place) -> list[bytes]:
    """All files of the bank."""
    folder = Path(at.arguments.get("home", at.arguments["location"]))
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


async def test_a_case_is_redundant_beside_one_of_the_same_picture_alone(alone: CaseMemory) -> None:
    for number, picture in enumerate((HERE, FAR, HERE)):
        await alone.write(state=GAME, action="go right", reward=1.0, picture=picture, key=str(number))
    plan = await alone.lifecycle.plan()
    assert [one.rule for one in plan.retirements] == ["redundancy"]
    assert plan.retirements[0].covered_by is not None


async def test_an_erased_picture_is_gone_everywhere(at: Place) -> None:
    async with at.memory(image_encoder="thumbnail") as memory:
        gone = await memory.write(state=GAME, action="a", reward=1.0, picture=HERE) or ""
        stays = await memory.write(state="Another task.", action="b", reward=1.0, picture=HERE) or ""
        other = await memory.write(state="A third.", action="c", reward=1.0, picture=NEAR, namespace="other") or ""
        case = (await memory.views.cases([gone], namespace="default"))[gone]
        assert await counts(memory) == (2, 2)
        first = await memory.lifecycle.erase(cases=[gone])
        assert first.counts.pictures == 0, "another case has it"
        assert (await memory.picture(case.picture)).content == HERE
        second = await memory.lifecycle.erase(cases=[stays])
        assert (second.counts.pictures, second.unfinished) == (1, [])
        assert await counts(memory) == (1, 1)
        assert memory._storage.pictures is not None
        assert await memory._storage.pictures.bank.count() == 1
        with pytest.raises(UnknownPicture):
            await memory.picture(case.picture)
    if not at.is_kept:
        return
    assert n_indexed(at)
    async with at.memory(namespace="other") as memory:  # an index that nobody has configured now is emptied, too
        await memory.lifecycle.erase(cases=[other])
        assert await counts(memory) == (0, 0)
    assert n_indexed(at) == 0
    async with at.memory(image_encoder="thumbnail") as memory:
        assert memory._storage.pictures is not None
        assert await memory._storage.pictures.bank.count() == 0
    assert not any(picture in content for content in contents(at) for picture in (HERE, NEAR))


async def test_pictures_travel_by_export_and_backup(tmp_path: Path) -> None:
    file, copy = tmp_path / "cases.jsonl", tmp_path / "copy.sqlite"
    with place("folder", tmp_path / "bank") as at, place("folder", tmp_path / "new") as new:
        async with at.memory() as memory:
            await memory.write(state=GAME, action="a", reward=1.0, picture=HERE)
            await memory.write(state="Without one.", action="b", reward=0.0)
            walked = [case async for case in memory.views.walk(namespace="default")]
            rows = [exported_row(case, await memory.picture(case.picture) if case.picture else None) for case in walked]
            assert "picture" not in rows[1]
            assert (await memory.backup(copy)).damaged_rows == 0
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        lines = list(read_cases(file, namespace="default"))
        assert [line.problem for line in lines] == ["", ""]
        async with new.memory(image_encoder="thumbnail") as memory:
            cases = [line.case for line in lines if line.case is not None]
            pictures = [line.picture for line in lines if line.picture is not None]
            assert await memory.keep(cases, pictures=pictures) == 2
            assert (await memory.picture(cases[0].picture)).content == HERE
            assert (await similarity(memory, picture=NEAR))["a"] == pytest.approx(similar(HERE, NEAR), abs=1e-3)
            assert [case.id async for case in memory.views.walk(namespace="default")] == [case.id for case in walked]
            lost = cases[0].model_copy(update={"namespace": "lost"})
            lost = lost.model_copy(update={"id": lost.own_id})
            assert await memory.keep([lost]) == 1, "its bytes are not there: it is kept without"
            assert not (await memory.views.cases([lost.id], namespace="lost"))[lost.id].picture
        with place("folder", tmp_path / "restored") as restored:
            await restored.memory().restore(copy)
            async with restored.memory() as memory:
                assert (await memory.picture(cases[0].picture)).content == HERE


async def test_a_damaged_picture_is_set_aside_and_replaced_by_the_next_write(tmp_path: Path) -> None:
    with place("folder", tmp_path / "bank") as at:
        async with at.memory() as memory:
            case_id = await memory.write(state=GAME, action="a", reward=1.0, picture=HERE) or ""
            picture = (await memory.views.cases([case_id], namespace="default"))[case_id].picture
        with closing(sqlite3.connect(tmp_path / "bank" / "ledger.sqlite")) as database, database:
            database.execute("UPDATE pictures SET content = ?", (NEAR,))
        async with at.memory(image_encoder="thumbnail") as memory:
            with pytest.raises(UnknownPicture, match="damaged"):
                await memory.picture(picture)
            assert [row.table for row in (await memory.check_ledger()).set_aside] == ["pictures"]
            assert await similarity(memory, "Reach it.", picture=NEAR), "the case is served by its text"
            await memory.write(state=GAME, action="a", reward=1.0, picture=HERE)
            assert (await memory.picture(picture)).content == HERE
            assert not (await memory.check_ledger()).set_aside


async def test_reads_go_on_by_text_while_the_image_encoder_fails(tmp_path: Path) -> None:
    is_down = False

    def embed(images: list[bytes]) -> NDArray[np.float32]:
        if is_down or HERE in images:
            raise OSError("no model")
        return np.array([[len(image), 1.0] for image in images], np.float32)

    encoder = ThreadImageEncoder(embed, name="sizes", dim=2)
    with place("folder", tmp_path / "bank") as at:
        async with at.memory(image_encoder=encoder) as memory:
            await memory.write(state=GAME, action="poison", reward=1.0, picture=HERE)
            await memory.write(state=GAME, action="a", reward=1.0, picture=NEAR)
            found = await similarity(memory, "Reach it.", picture=FAR)
            assert found["a"] > found["poison"], "one that cannot be encoded stops no other"
            is_down = True
            reading = await memory.read(GAME, picture=screen((3, 3)))
            assert reading.is_degraded
            assert len(reading.cases) == 2
            assert any("image encoder 'sizes' failed: OSError" in notice for notice in reading.notices)
        async with at.memory(image_encoder="no.such:model") as memory:
            (notice,) = memory.notices
            assert "not searched by picture: the image encoder 'no.such:model' cannot be made" in notice
            assert (await memory.read(GAME, picture=HERE)).is_degraded
            assert not (await memory.read(GAME)).is_degraded


def test_what_is_no_picture_is_refused() -> None:
    out = io.BytesIO()
    Image.new("RGB", (2, 2)).save(out, "GIF")
    for given, why in (
        (out.getvalue(), "not a PNG, JPEG or WebP"),
        (HERE + bytes(MAX_PICTURE_BYTES), "at most 1,048,576"),
        ("no base64!", "not base64"),
        (7, "bytes of an image"),
    ):
        with pytest.raises(InvalidInput, match=why):
            Experience(state="s", action="a", reward=1.0, picture=given)  # type: ignore[arg-type]
    for kind, media_type in (("JPEG", "image/jpeg"), ("WEBP", "image/webp")):
        given = Experience(state="s", action="a", reward=1.0, picture=screen((1, 1), kind=kind))
        assert given.checked_picture is not None
        assert given.checked_picture.media_type == media_type
        assert Experience(**given.as_arguments()) == given


async def test_thumbnails_tell_screens_apart_and_are_the_same_every_time() -> None:
    encoder = thumbnail_encoder()
    rows = await embedded(encoder, [HERE, HERE, NEAR, FAR, HERE[:-40], screen((1, 1), kind="WEBP")])
    assert np.array_equal(rows[0], rows[1])
    assert rows[0] @ rows[2] > rows[0] @ rows[3]
    assert not rows[4].any(), "damaged"
    assert rows[0] @ rows[5] > rows[0] @ rows[2], "the same screen in another format"
    for given in ("no path", "memento.memory.image_encoder.ThreadImageEncoder", ThreadImageEncoder, 3):
        with pytest.raises(InvalidInput, match="image encoder"):
            CaseMemory.open(":memory:", image_encoder=given)  # type: ignore[arg-type]
    by_path = CaseMemory.open(":memory:", image_encoder="memento.memory.thumbnails:thumbnail_encoder")
    async with by_path as memory:
        assert memory._storage.pictures is not None
        assert memory._storage.pictures.vectors.name == f"image:{encoder.name}"


async def test_the_code_of_the_page_runs(alone: CaseMemory, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(readme_example("pictures"), names)  # noqa: S102  the page's own code
    for picture in (NEAR, HERE):
        await names["play"](alone, picture)
    assert capsys.readouterr().out == f"right, right, down image/png {len(NEAR)}\n"
    exec(readme_example("image_encoder"), names)  # noqa: S102  the page's own code
    rows = await embedded(names["encoder"], [HERE, FAR])
    assert rows.shape == (2, 16)
