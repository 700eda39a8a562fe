"""`symbolon signals words` and `schema`: what a signal can say, for people and for programs."""

import json
import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Final

import typer

from symbolon.cli.signals_options import AsJson
from symbolon.signals import word_meanings
from symbolon.signals.native_grades import table
from symbolon.signals.record_schema import record_schema
from symbolon.signals.signal_file import json_schema
from symbolon.signals.vocabulary import (
    DisputeState,
    Evidence,
    Indicator,
    Level,
    RecallReason,
    Reliability,
    SubjectKind,
    Tlp,
)

_LEVELS: Final[Mapping[str, Mapping[Level, str]]] = {
    "scale, how grave the harm is": word_meanings.SCALE,
    "scope, how many it reaches": word_meanings.SCOPE,
    "irremediability, how far it is beyond being made good": word_meanings.IRREMEDIABILITY,
    "likelihood, how likely it is that it goes on": word_meanings.LIKELIHOOD,
}
_LISTS: Final[Mapping[str, type[StrEnum]]] = {
    "kinds of subject": SubjectKind,
    "evidence": Evidence,
    "reliability of the source (Admiralty code)": Reliability,
    "marks (Traffic Light Protocol 2.0)": Tlp,
    "reasons of a recall": RecallReason,
    "states of a dispute": DisputeState,
}


def words(as_json: AsJson = False) -> None:
    """Show every word that a signal can hold."""
    if as_json:
        print(json.dumps(_document(), indent=2, ensure_ascii=False))
        return
    for group in dict.fromkeys(map(word_meanings.group_of, Indicator)):
        _print_list(
            f"indicators: {group}",
            (
                (each.value, word_meanings.INDICATORS[each])
                for each in Indicator
                if word_meanings.group_of(each) == group
            ),
        )
    for title, kind in _LISTS.items():
        _print_list(title, ((str(each.value), word_meanings.meaning(each)) for each in kind))
    for title, levels in _LEVELS.items():
        _print_list(title, ((f"{int(level)} {level.words}", said) for level, said in levels.items()))
    _print_list(
        "what grades of audit schemes suggest for the scale (docs/signals-import.md)",
        (
            (f"{scheme}: {grade}", mapped.level.words if mapped.level else "nothing")
            for scheme, grade, mapped in table()
        ),
    )


def schema(
    record: Annotated[
        bool, typer.Option("--record", help="That of the record that is signed and kept.")
    ] = False,
) -> None:
    """Print the JSON Schema of a signal as its author writes it, one line of a file (draft 2020-12).

    With --record: of the record that a node makes of it, with id, revision, state, contest and reply.
    """
    if record:
        print(json.dumps(record_schema(), indent=2, ensure_ascii=False))
        return
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    print(
        "symbolon: this is a signal as its author writes it; --record prints the record that is signed.",
        file=sys.stderr,
    )


def _print_list(title: str, rows: Iterable[tuple[str, str]]) -> None:
    rows = list(rows)
    width = max(len(word) for word, _ in rows)
    print(f"{title}:")
    for word, said in rows:
        print(f"  {word:<{width}}  {said}".rstrip())
    print()


def _document() -> dict[str, object]:
    return {
        "indicators": [
            {
                "word": each.value,
                "bit": each.bit,
                "group": word_meanings.group_of(each),
                "meaning": word_meanings.INDICATORS[each],
            }
            for each in Indicator
        ],
        **{
            _key(kind): [{"word": each.value, "meaning": word_meanings.meaning(each)} for each in kind]
            for kind in _LISTS.values()
        },
        **{
            title.partition(",")[0]: [
                {"level": int(level), "word": level.words, "meaning": said} for level, said in levels.items()
            ]
            for title, levels in _LEVELS.items()
        },
        "native_grades": [
            {
                "scheme": scheme,
                "grade": grade,
                "scale": None if mapped.level is None else int(mapped.level),
                "meaning": mapped.words,
                "source": mapped.source,
            }
            for scheme, grade, mapped in table()
        ],
    }


def _key(kind: type[StrEnum]) -> str:
    keys: dict[type[StrEnum], str] = {
        SubjectKind: "subject_kinds",
        Evidence: "evidence",
        Reliability: "reliability",
        Tlp: "tlp",
        RecallReason: "recall_reasons",
        DisputeState: "dispute_states",
    }
    return keys[kind]
