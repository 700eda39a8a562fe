"""`Database.is_writing`: a look for other writers that waits for nobody and keeps nobody waiting."""

import threading
import time

from symbolon.storage.database import Database


def test_writer_of_another_connection_is_seen_until_it_ends(database_url: str) -> None:
    with Database.open(database_url, create=True) as ours, Database.open(database_url) as theirs:
        assert not ours.is_writing()
        with theirs.transaction("a long write"):
            began_s = time.monotonic()
            assert ours.is_writing()
            assert time.monotonic() - began_s < 10, "it waits for the writer"
        assert not ours.is_writing()


def test_writer_of_another_thread_is_seen(database_url: str) -> None:
    with Database.open(database_url, create=True) as database:
        seen: list[bool] = []
        with database.transaction("a long write"):
            thread = threading.Thread(target=lambda: seen.append(database.is_writing()))
            thread.start()
            thread.join()
        assert seen == [True]


def test_look_keeps_nobody_from_writing_and_changes_no_wait(database_url: str) -> None:
    with Database.open(database_url, create=True) as ours, Database.open(database_url) as theirs:
        assert not ours.is_writing()
        with theirs.transaction("a write"):
            pass
        with ours.transaction("a write") as connection:
            if connection.dialect.name == "sqlite":
                assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 30_000
