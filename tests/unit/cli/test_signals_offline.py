"""`symbolon signals add --offline` on a laptop without a node, `dropbox`, and the import at the node."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contributing_ngo import SEEN, SITE, Contributor, Said, contributor

CANARY = "CANARY-night-guard"


class Laptop:
    """A machine without a node."""

    def __init__(self, ngo: Contributor) -> None:
        self.ngo = ngo
        self.folder = ngo.folder / "laptop"
        self.folder.mkdir()
        self.key = ngo.folder / "key.txt"

    def run(self, *arguments: str, typed: str = "", code: int = 0) -> Said:
        home, self.ngo.home = self.ngo.home, self.ngo.folder / "no-node"
        try:
            return self.ngo.run(*arguments, typed=typed, code=code)
        finally:
            assert not self.ngo.home.exists()
            self.ngo.home = home

    def write(self, *more: str, typed: str = "", code: int = 0) -> Said:
        words = ("add", "--offline", str(self.folder), "--for", str(self.key), *SITE, *SEEN, "--yes")
        return self.run(*words, *more, typed=typed, code=code)

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    with contributor(tmp_path) as ngo:
        made = Laptop(ngo)
        ngo.run("dropbox", "--out", str(made.key))
        yield made


def test_offline_signal_arrives_whole_with_its_source(laptop: Laptop) -> None:
    said = laptop.write("--confidence=70", "--source-file", "-", typed=CANARY)
    path = Path(said.out.strip())
    assert laptop.files == [path]
    assert path.suffix == ".symbolon-drop"
    assert "keeps no copy" in said.talk
    (new,) = laptop.ngo.run("import", str(path), "--yes", "--json").json["new"]
    document = laptop.ngo.run("show", new["signal"], "--json", "--source").json
    assert (document["confidence"], document["source"]) == (70, CANARY)
    assert document["purposes"] == ["due-diligence"]
    assert document["subject"]["name"] == "Blue River Garments Ltd"


def test_offline_file_shows_nothing_of_its_content_and_only_its_owner_can_read_it(laptop: Laptop) -> None:
    laptop.write("--source-file", "-", typed=CANARY)
    (path,) = laptop.files
    data = path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    for word in (CANARY, "Blue", "Gazipur", "debt", "harbour", "watch"):
        assert word.encode() not in data
        assert word not in path.name
    laptop.write()
    assert {each.stat().st_size for each in laptop.files} == {path.stat().st_size}
    assert len({each.name for each in laptop.files}) == 2


def test_offline_shows_the_fingerprint_that_the_node_tells(laptop: Laptop) -> None:
    told = laptop.ngo.run("dropbox").talk
    fingerprint = told.partition(": ")[2].strip()
    assert f"Its key: {fingerprint}" in laptop.write().talk
    assert fingerprint.replace(" ", "") == laptop.ngo.run("dropbox", "--json").json["fingerprint"]


def test_offline_is_screened_at_the_laptop(laptop: Laptop) -> None:
    narrative = laptop.ngo.file("n.txt", "Call +49 170 1234567.")
    said = laptop.write("--narrative-file", str(narrative), code=65)
    assert "narrative: phone" in said.talk
    assert laptop.files == []
    path = laptop.write("--narrative-file", str(narrative), "--reviewed").out.strip()
    # Reviewed at the laptop, and looked at once more at the node.
    assert "narrative: phone" in laptop.ngo.run("import", path, "--yes", code=65).talk
    assert laptop.ngo.run("import", path, "--yes", "--reviewed").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("add", "--offline", "x", *SITE, *SEEN), 2, "go together"),
        (("add", "--for", "x", *SITE, *SEEN), 2, "go together"),
        (("add", "--offline", "x", "--for", "/no/such/key", *SITE, *SEEN, "--yes"), 65, "no file"),
    ],
)
def test_offline_without_what_it_needs_says_so(
    laptop: Laptop, words: tuple[str, ...], code: int, said: str
) -> None:
    assert said in laptop.run(*words, code=code).talk


def test_offline_writes_over_no_file_and_into_no_folder_that_is_not_there(laptop: Laptop) -> None:
    there = laptop.ngo.file("there", "precious")
    for target in (there, laptop.folder / "none" / "x"):
        words = ("add", "--offline", str(target), "--for", str(laptop.key), *SITE, *SEEN, "--yes")
        laptop.run(*words, code=65)
    assert there.read_text() == "precious"


def test_offline_asks_whether_the_key_is_the_right_one(laptop: Laptop) -> None:
    words = ("add", "--offline", str(laptop.folder), "--for", str(laptop.key), *SITE, *SEEN)
    assert "no terminal to ask at" in laptop.run(*words, code=2).talk
    assert laptop.files == []


def test_offline_key_that_is_none_is_refused(laptop: Laptop) -> None:
    laptop.key.write_text("hello")
    assert "no key of a drop box" in laptop.write(code=65).talk


def test_offline_keeps_words_that_only_the_node_can_judge(laptop: Laptop) -> None:
    path = laptop.write("--recipient=birch", "--purpose=due-diligence").out.strip()
    (new,) = laptop.ngo.run("import", path, "--yes", "--json").json["new"]
    assert laptop.ngo.run("show", new["signal"], "--json").json["recipients"] == ["birch"]
    path = laptop.write("--recipient=brich").out.strip()
    assert "brich is no" in laptop.ngo.run("import", path, "--yes", code=65).talk


def test_dropped_file_is_shown_before_it_counts_and_dry_run_stores_nothing(laptop: Laptop) -> None:
    path = laptop.write().out.strip()
    said = laptop.ngo.run("import", path, "--dry-run", "--json")
    assert "Blue River Garments Ltd" in said.talk
    assert said.json["new"] == []
    assert laptop.ngo.run("list", "--json").json == []
    said = laptop.ngo.run("import", path, "--yes")
    assert "Who will be able to see what:" in said.talk
    assert "erase it" in said.talk


def test_dropbox_out_new_and_forget_old(laptop: Laptop) -> None:
    ngo = laptop.ngo
    first = ngo.run("dropbox").out
    assert first == laptop.key.read_text()
    assert first.startswith("symbolon-drop-key-1\n")
    assert "goes with --new" in ngo.run("dropbox", "--forget-old", code=2).talk
    assert "no terminal" in ngo.run("dropbox", "--new", "--forget-old", code=2).talk
    assert ngo.run("dropbox").out == first
    assert ngo.run("dropbox", "--new").out != first
