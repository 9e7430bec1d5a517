"""Versions and plan in the store and in the engine's directory: nothing is lost when either is gone for a while."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, text

from switchboard.centre import load_centre
from switchboard.prompts import prompts_of, unused
from switchboard.publishing import plan as plans
from switchboard.publishing.preparing import content_of
from switchboard.publishing.versions import Versions, VersionsUnavailable
from switchboard.store.database import FILE_NAME, open_store
from switchboard.store.versions import OutOfDate, VersionInfo
from tests.support.centres import FILES, SILENCE, write_centre


@pytest.fixture
def database(tmp_path: Path) -> Callable[[], Engine]:
    return lambda: open_store(URL.create("sqlite", database=str(tmp_path / FILE_NAME)))


@pytest.fixture
def centre(tmp_path: Path) -> Path:
    return write_centre(tmp_path / "centre")


@pytest.fixture
def versions(tmp_path: Path, centre: Path, database: Callable[[], Engine]) -> Versions:
    return Versions(tmp_path / "engine", centre, database)


def publish(versions: Versions, centre: Path, author: str = "anna") -> VersionInfo:
    """The directory as it is, in force for all."""
    loaded, base = load_centre(centre), versions.plan.in_force
    info = versions.publish(content_of(loaded), loaded.content, base=base, created_ms=1, author=author, note="")
    versions.change(plans.published(versions.plan, info.number, base), author, f"publish {info.number}")
    return info


def change(centre: Path, name: str, old: str, new: str) -> None:
    path = centre / name
    path.write_text(path.read_text().replace(old, new))


def test_a_version_is_what_was_published_whatever_becomes_of_the_directory(versions: Versions, centre: Path) -> None:
    (centre / "sounds/en/menu.wav").write_bytes((centre / "sounds/en/sorry.wav").read_bytes())
    one = publish(versions, centre)
    for name, old, new in (
        ("flows/main.yaml", "to: to-billing", "to: sorry"),
        ("prompts.yaml", "Press 1 or 2.", "Press 3."),
        ("hours.yaml", "09:00", "10:00"),
        ("centre.yaml", '"100": main', '"200": main'),
    ):
        change(centre, name, old, new)
    (centre / "sounds/en/menu.wav").write_bytes(b"RIFF, but no more")
    with pytest.raises(Exception, match=r"menu\.wav"):
        load_centre(centre)
    loaded = versions.load(one.number)
    assert loaded.version == 1
    assert loaded.numbers == {"100": "main"}
    assert loaded.prompts.entries["menu"].text["en"] == "Press 1 or 2."
    assert loaded.flows["main"].nodes["menu"].exits()["no_input"] == "to-billing"
    sound = loaded.prompts.prompt("menu", "en").sounds[0].removeprefix("centre:")
    kept = centre / "sounds/en" / f"{sound}.wav"
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == one.files["sounds/en/menu.wav"]
    assert loaded.content == one.files


def test_equal_files_of_versions_are_stored_once(
    versions: Versions, centre: Path, database: Callable[[], Engine]
) -> None:
    publish(versions, centre)
    change(centre, "flows/main.yaml", "to: to-billing", "to: sorry")
    publish(versions, centre)
    with database().connect() as connection:
        blobs = connection.execute(text("SELECT count(*) FROM flow_blobs")).scalar_one()
        sounds = connection.execute(text("SELECT max(length(content)) FROM flow_blobs")).scalar_one()
    assert blobs == len(load_centre(centre).content) + 1
    assert sounds == (centre / "sounds/en/sorry.wav").stat().st_size


def test_a_new_directory_gets_everything_from_the_store(
    versions: Versions, centre: Path, database: Callable[[], Engine], tmp_path: Path
) -> None:
    publish(versions, centre)
    other = Versions(tmp_path / "elsewhere", centre, database)
    assert other.look()
    assert other.plan == versions.plan
    assert other.load(1).content == versions.load(1).content


def test_while_the_store_is_away_the_last_known_version_is_in_force(
    versions: Versions, centre: Path, tmp_path: Path
) -> None:
    publish(versions, centre)
    change(centre, "flows/main.yaml", "to: to-billing", "to: sorry")
    publish(versions, centre)

    def away() -> Engine:
        return open_store(URL.create("sqlite", database=str(tmp_path / "no" / "such" / FILE_NAME)))

    (tmp_path / "no").write_text("a file, where a directory should be")
    later = Versions(tmp_path / "engine", centre, away)
    later.look()
    assert later.plan.in_force == 2
    assert later.load(2).version == 2
    with pytest.raises(VersionsUnavailable, match="cannot be used"):
        publish(later, centre)
    assert later.plan.in_force == 2
    later.change(plans.rolled_back(later.plan, 1), "anna", "roll back to 1", at_once=True)
    assert later.unsaved
    back = Versions(tmp_path / "engine", centre, versions._database)  # an engine that starts when the store is back
    assert back.look()
    assert back.plan.in_force == 1
    back.save()
    assert not back.unsaved
    assert [row.what for row in back.history()] == ["publish 1", "publish 2", "roll back to 1"]


def test_a_store_that_was_deleted_gets_everything_again(
    versions: Versions, centre: Path, tmp_path: Path, database: Callable[[], Engine]
) -> None:
    publish(versions, centre)
    for path in tmp_path.glob(f"{FILE_NAME}*"):
        path.unlink()
    later = Versions(tmp_path / "engine", centre, database)
    later.look()
    later.restore()
    assert later.plan.in_force == 1
    assert later.all().keys() == {1}
    assert Versions(tmp_path / "elsewhere", centre, database).look()
    change(centre, "flows/main.yaml", "to: to-billing", "to: sorry")
    assert publish(later, centre).number == 2


def test_of_two_engines_on_one_store_the_second_is_refused(
    versions: Versions, centre: Path, database: Callable[[], Engine], tmp_path: Path
) -> None:
    publish(versions, centre)
    other = Versions(tmp_path / "elsewhere", centre, database)
    other.look()
    change(centre, "flows/main.yaml", "to: to-billing", "to: sorry")
    publish(versions, centre, "anna")
    with pytest.raises(OutOfDate):
        publish(other, centre, "ben")
    assert other.plan.in_force == 1
    other.look()
    assert other.plan.in_force == 2
    assert {info.author for info in other.all().values()} == {"anna", "ben"}  # ben's is kept, not in force


def test_an_old_version_is_loaded_though_its_queue_is_gone(versions: Versions, centre: Path) -> None:
    """For a call in progress on it; to put it in force again is refused, with the place."""
    publish(versions, centre)
    change(centre, "flows/main.yaml", "    queue: cards", "    queue: billing")
    queues = FILES["queues.yaml"]
    (centre / "queues.yaml").write_text(queues[: queues.index("  cards:")].replace("{queue: cards}", "{exit: nobody}"))
    (centre / "agents.yaml").write_text(FILES["agents.yaml"].replace("    queues: [cards]\n", ""))
    assert versions.load(1, checked=False).flows["main"].nodes
    with pytest.raises(Exception, match=r"versions/1/flows/main\.yaml:\d+: nodes\.to-cards\.queue"):
        versions.load(1)


def test_what_a_published_version_says_is_no_waste_of_the_rendered_prompts(versions: Versions, centre: Path) -> None:
    """`prompts render --clean`: the directory has another text by now, callers still hear the published one."""
    change(centre, "centre.yaml", "settings:", "settings:\n  speech: {voices: {en: {engine: espeak}}}")
    prompt = next(one for one in prompts_of(load_centre(centre)) if (one.prompt, one.language) == ("menu", "en"))
    rendered = centre / "sounds/en" / f"{prompt.sound}.wav"
    rendered.parent.mkdir()
    rendered.write_bytes(SILENCE)
    publish(versions, centre)
    change(centre, "prompts.yaml", "Press 1 or 2.", "Press 3.")
    assert unused(load_centre(centre)) == [rendered]
    assert unused(load_centre(centre), [versions.load(1)]) == []
    assert versions.load(1).prompts.prompt("menu", "en").sounds == (f"centre:{prompt.sound}",)
