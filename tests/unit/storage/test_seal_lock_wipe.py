"""What a wipe destroys, in which order, and what it leaves and names."""

import os
import sqlite3
from pathlib import Path

import pytest

from locked_home import WORDS, cheap, contents, lies_anywhere, memory, node_home, secrets_of
from symbolon.membership.key_file import SEAL_KEY_FILE
from symbolon.storage.dropped_tables import drop_tables
from symbolon.storage.seal_lock import lock_folder, unlock_folder
from symbolon.storage.wipe import MAX_DEPTH, Left, Wipe, is_node_database

__all__ = ["memory", "node_home"]


def wiped(home: Path, database: Path | None = None) -> Wipe:
    with Wipe(home) as wiping:
        wiping.erase_keys()
        wiping.erase_rest(home / "node.db" if database is None else database)
        wiping.erase_last("symbolon.toml")
    return wiping


def test_wipe_destroys_the_sealing_key_first_the_configuration_last(node_home: Path, memory: Path) -> None:
    for name in ("symbolon.toml", "node.db", "node.db-wal", "node.db-serve.lock", "request.pem"):
        (node_home / name).write_bytes(b"x")
    lock_folder(node_home, cheap())
    unlock_folder(node_home, WORDS, 60)
    wiping = wiped(node_home)
    assert wiping.left == []
    assert wiping.erased[:3] == ["the unlocked key", SEAL_KEY_FILE, "signing-key.pem"]
    assert wiping.erased[-2:] == ["node.db", "symbolon.toml"]
    assert not node_home.exists()
    assert list(memory.iterdir()) == []


def test_wipe_overwrites_what_it_removes(node_home: Path, tmp_path: Path) -> None:
    secrets = secrets_of(contents(node_home))
    held = tmp_path / "held"
    held.mkdir()
    (node_home / "node.db").write_bytes(b"who asked whom" * 200_000)
    for number, path in enumerate(path for path in node_home.rglob("*") if path.is_file()):
        (held / str(number)).hardlink_to(path)
    assert lies_anywhere(held, [*secrets, b"who asked whom"])
    wiped(node_home)
    assert lies_anywhere(held, [*secrets, b"who asked whom"]) == []


def test_wipe_of_a_folder_behind_a_link_destroys_that_folder(node_home: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(node_home)
    assert wiped(tmp_path / "link").left == []
    assert not node_home.exists()


def test_wipe_of_an_empty_or_absent_folder_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert wiped(tmp_path / "empty").erased == []
    assert not (tmp_path / "empty").exists()
    with pytest.raises(FileNotFoundError):
        Wipe(tmp_path / "none")


def test_wipe_enters_no_other_file_system(node_home: Path) -> None:
    with Wipe(node_home) as wiping:
        wiping._device += 1
        assert not wiping.erase_keys()
        wiping.erase_rest(None)
        wiping.erase_last("symbolon.toml")
    assert wiping.left == [Left("founder", "is on another file system")]
    assert (node_home / "founder" / "root-key.pem").exists()


def test_wipe_ends_at_folders_nested_deeper_than_a_node_makes_them(node_home: Path) -> None:
    deep = node_home / "coalition" / "/".join("d" * (MAX_DEPTH + 5))
    deep.mkdir(parents=True)
    wiping = wiped(node_home)
    assert [each.why for each in wiping.left] == ["is nested too deep"]


def test_wipe_what_the_system_refuses_is_named_and_the_rest_goes(
    node_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = os.unlink

    def refusing(path: object, **options: int) -> None:
        if Path(str(path)).name == "node-key.pem":
            raise PermissionError(13, "Permission denied")
        unlink(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "unlink", refusing)
    secrets = secrets_of(contents(node_home))
    wiping = wiped(node_home)
    assert wiping.left == [Left("node-key.pem", "Permission denied")]
    assert [path.name for path in node_home.iterdir()] == ["node-key.pem"]
    assert lies_anywhere(node_home, secrets) == [], "it was overwritten"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_wipe_of_another_users_folder_names_the_key_that_may_be_in_memory(node_home: Path) -> None:
    os.chown(node_home, 12345, 12345)
    wiping = wiped(node_home)
    assert [each.name for each in wiping.left] == ["an unlocked key of user 12345"]
    assert not node_home.exists()


def test_wipe_database_elsewhere_goes_with_its_log_and_locks(node_home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    database = other / "far.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE seal_check (id)")
    for name in ("far.db-wal", "far.db-shm", "far.db-serve.lock", "far.db.bak", "nar.db"):
        (other / name).write_bytes(b"x")
    assert wiped(node_home, database).left == []
    assert sorted(path.name for path in other.iterdir()) == ["far.db.bak", "nar.db"]


def test_wipe_database_elsewhere_that_is_none_or_a_link_is_left(node_home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes").write_text("a letter")
    (other / "link").symlink_to(other / "notes")
    with Wipe(node_home) as wiping:
        for name in ("notes", "link", "none"):
            wiping.erase_rest(other / name)
        wiping.erase_rest(tmp_path / "nowhere" / "none")
    assert len(wiping.left) == 2
    assert wiping.left[0] == Left(str(other / "notes"), "is no database")
    assert (other / "notes").read_text() == "a letter"


def test_is_node_database_knows_one_and_makes_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a ? b#.db"
    assert not is_node_database(path)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (id)")
    assert not is_node_database(path)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE seal_check (id)")
    assert is_node_database(path)
    (tmp_path / "text").write_text("no database" * 1000)
    assert not is_node_database(tmp_path / "text")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a ? b#.db", "text"]


def test_drop_tables_of_another_database_drops_nothing(tmp_path: Path, postgres: object) -> None:
    from sqlalchemy import create_engine, inspect, text

    from symbolon.errors import StorageError

    with postgres.database() as url:  # type: ignore[attr-defined]
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE letters (id integer)"))
        with pytest.raises(StorageError) as caught:
            drop_tables(url)
        assert caught.value.full_code == "storage.foreign"
        assert inspect(engine).get_table_names() == ["letters"]
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE letters"))
        assert drop_tables(url) == 0
        engine.dispose()
