"""docs/locking.md says what is true: commands, figures, files, refusals."""

import re
from pathlib import Path

import typer.main

from symbolon.cli import lock, lock_watch, main
from symbolon.membership import sealing_key, unlocked_key
from symbolon.membership.key_file import PRIVATE_KEY_FILES, LockedError
from symbolon.membership.sealing_key import USUAL

DOCS = Path(__file__).resolve().parents[3] / "docs"
TEXT = (DOCS / "locking.md").read_text(encoding="utf-8")


def test_locking_document_gives_the_figures_of_the_code() -> None:
    assert f"argon2id,m={USUAL.memory_kib},t={USUAL.passes},p={USUAL.lanes}:" in TEXT
    assert USUAL.memory_kib == 512 * 1024
    assert "512 MiB" in TEXT
    assert unlocked_key.DEFAULT_LIFE_S == 10 * 3600
    assert "ten hours" in TEXT
    assert f"up to {unlocked_key.MAX_LIFE_S // 3600}" in TEXT
    assert f"At least {sealing_key.MIN_PASSPHRASE_CHARS} characters" in TEXT
    assert f"exit code {LockedError.exit_code}" in TEXT
    assert lock_watch.LOOK_S == 1.0
    assert "`serve` looks every second" in TEXT
    limits = (sealing_key.MAX_MEMORY_KIB >> 20, sealing_key.MAX_LANES, sealing_key.MAX_WORK_KIB >> 20)
    assert "more than {} GiB, more than {} lanes, memory times passes beyond {} GiB".format(*limits) in TEXT


def test_locking_document_names_every_file_that_is_locked() -> None:
    (table,) = re.findall(r"^\| file \|.*?\n\n", TEXT, re.MULTILINE | re.DOTALL)
    named = {
        f"founder/{each}" if "founder" in row else each
        for row in table.strip().splitlines()
        for each in re.findall(r"[a-z-]+\.pem", row.split("|")[1])
    }
    assert named == set(PRIVATE_KEY_FILES)
    assert lock.ROOT_KEY in PRIVATE_KEY_FILES


def test_locking_document_commands_and_options_exist() -> None:
    tree = typer.main.get_command(main.app)
    for name, options in (
        ("lock", {"--change", "--passphrase-file"}),
        ("unlock", {"--for", "--for-good", "--passphrase-file"}),
        ("wipe", {"--yes-destroy"}),
    ):
        command = tree.get_command(None, name)  # type: ignore[attr-defined, arg-type]
        known = {each for parameter in command.params for each in parameter.opts}
        assert options <= known
        assert all(each in TEXT for each in options)


def test_locking_document_links_lead_somewhere() -> None:
    for name, anchor in re.findall(r"\]\(([a-zA-Z]*\.?m?d?)#?([a-z-]*)\)", TEXT):
        text = (DOCS / name).read_text(encoding="utf-8") if name else TEXT
        headings = {
            re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in text.splitlines()
            if line.startswith("#")
        }
        assert not anchor or anchor in headings, (name, anchor)
