"""`symbolon signals export`: signals for other systems. Sources are in none of the forms.

What is written leaves the coalition by the hand of whoever runs the command: no policy is asked, since none
binds a contributor in its own signals. A signal marked TLP:RED is left out unless it is asked for; one that
another member publishes is always left out: beside what that one publishes, the file would tell whose it is.
With --received it is what other members released to this one, as far as their marks let it be handed on; see
`received_export`.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.received_export import ReceivedExport, received_export
from symbolon.cli.signals_typed import object_of
from symbolon.errors import InputError, UsageError
from symbolon.membership.atomic_file import write_atomically
from symbolon.policy.canonical_json import encode_canonical
from symbolon.policy.obligations import NOTHING
from symbolon.signals.exported import Exported
from symbolon.signals.misp_writer import write_misp
from symbolon.signals.released import release
from symbolon.signals.stix_writer import write_stix
from symbolon.signals.supplier_side_file import supplier_side
from symbolon.signals.vocabulary import ShownAs, State, Tlp
from symbolon.storage.signal_columns import StoredSignal

Form = Literal["misp", "stix", "jsonl"]
_FORMS: Final[tuple[Form, ...]] = ("misp", "stix", "jsonl")


def export(
    form: Annotated[str, typer.Option("--format", help="misp, stix or jsonl.")],
    signal_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[SIGNAL]…", help="Only these; without: all that stand.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file; without: standard output.")] = None,
    organisation: Annotated[
        str, typer.Option(help="Name of whoever exports, as the other system shows it; default: member id.")
    ] = "",
    without_narratives: Annotated[
        bool, typer.Option("--without-narratives", help="Leave the narratives out.")
    ] = False,
    with_recalled: Annotated[
        bool,
        typer.Option("--with-recalled", help="misp, stix: also that signals were recalled or have expired."),
    ] = False,
    with_red: Annotated[
        bool, typer.Option("--with-red", help="Those marked TLP:RED too: the file goes to nobody else.")
    ] = False,
    received: Annotated[
        bool, typer.Option("--received", help="misp, stix: what other members released, not own ones.")
    ] = False,
    peer: Annotated[str, typer.Option(help="With --received: only what this member released.")] = "",
    purpose: Annotated[str, typer.Option(help="With --received: only what was released for it.")] = "",
) -> None:
    """Write signals for other systems: MISP, STIX 2.1 or JSON Lines. Sources are never in it.

    The file names suppliers in clear, and no policy guards it from then on. With --received: those about own
    suppliers that other members released, but for what may not be passed on.
    """
    chosen = _chosen_form(form)
    _check_received(chosen, received=received, more=with_recalled or with_red, narrower=bool(peer or purpose))
    if with_recalled and chosen == "jsonl":
        raise UsageError("a line of JSON has no form for a recall", hint="Use --format misp or stix.")
    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        raise InputError(f"{out} cannot be written", hint="Name a file in a folder that is there.")
    if received:
        with open_node() as node:
            found = received_export(
                node,
                peer=peer,
                purpose=purpose,
                signal_ids=signal_ids or (),
                without_narratives=without_narratives,
            )
            data = _document(found.exported, chosen, organisation or node.member_id, node.now)
        _put(data, out)
        _tell_received(found, out)
        return
    with open_node() as node:
        today = node.now.date()
        if signal_ids:
            held = [node.signals.get(each) for each in dict.fromkeys(signal_ids)]
        else:
            held = list(node.signals.list(include_expired=with_recalled))
        delegated = node.delegations.numbers()
        kept_back = sum(each.number in delegated for each in held)
        held = [each for each in held if each.number not in delegated]
        standing = [
            each
            for each in held
            if with_recalled or (each.signal.state is State.ACTIVE and not each.signal.is_expired(today))
        ]
        kept = [
            each
            for each in standing
            if with_red or each.signal.tlp is not Tlp.RED or each.signal.state is State.RECALLED
        ]
        contributors = node.signals.contributors([each.number for each in kept])
        shown_as = node.signals.shown_as([each.number for each in kept])
        data = _written(
            kept,
            chosen,
            contributors,
            shown_as,
            organisation or node.member_id,
            node.now,
            without_narratives=without_narratives,
        )
    _put(data, out)
    red = len(standing) - len(kept)
    left = f" {red} marked TLP:RED left out; --with-red takes them in." if red else ""
    if kept_back:
        left += f" {kept_back} left out that another member publishes: the file would tell whose they are."
    target = "" if out is None else f" to {out}"
    print(f"Wrote {len(kept):,} signals{target}.{left} No source is in it.", file=sys.stderr)


def _check_received(form: Form, *, received: bool, more: bool, narrower: bool) -> None:
    if narrower and not received:
        raise UsageError("--peer and --purpose go with --received")
    if received and more:
        raise UsageError(
            "received signals marked TLP:RED, recalled or expired are never exported",
            hint="Leave --with-red and --with-recalled out.",
        )
    if received and form == "jsonl":
        raise UsageError(
            "a line of JSON has no place for who published a signal and on what terms",
            hint="Use --format misp or stix.",
        )


def _tell_received(found: ReceivedExport, out: Path | None) -> None:
    target = "" if out is None else f" to {out}"
    print(f"Wrote {len(found.exported):,} received signals{target}.", file=sys.stderr)
    for line in found.lines():
        print(line, file=sys.stderr)


def _put(data: bytes, out: Path | None) -> None:
    if out is None:
        print(data.decode(), end="")
    else:
        write_atomically(out, data)


def _document(
    exported: Sequence[Exported],
    form: Form,
    organisation: str,
    now: datetime,
    *,
    onward_allowed: frozenset[bytes] = frozenset(),
) -> bytes:
    write = write_misp if form == "misp" else write_stix
    made = write(exported, organisation=organisation, now=now, onward_allowed=onward_allowed)
    return encode_canonical(made) + b"\n"


def _chosen_form(typed: str) -> Form:
    for each in _FORMS:
        if typed.strip().lower() == each:
            return each
    raise UsageError(f"unknown format {typed[:32]}", hint=f"Use one of: {', '.join(_FORMS)}.")


def _written(
    held: Sequence[StoredSignal],
    form: Form,
    contributors: dict[int, int],
    shown_as: dict[int, ShownAs],
    organisation: str,
    now: datetime,
    *,
    without_narratives: bool,
) -> bytes:
    if form == "jsonl":
        return b"".join(_json_lines(held, without_narratives=without_narratives))
    exported = [
        Exported(
            release(
                each.signal,
                NOTHING,
                contributors=contributors.get(each.number, 1),
                shown_as=shown_as.get(each.number, ShownAs.PUBLISHER),
            ),
            None if each.signal.state is State.RECALLED else each.signal.subject,
            "" if without_narratives else each.signal.narrative,
        )
        for each in held
    ]
    allowed = frozenset(each.signal.signal_id for each in held)
    return _document(exported, form, organisation, now, onward_allowed=allowed)


def _json_lines(held: Iterable[StoredSignal], *, without_narratives: bool) -> Iterable[bytes]:
    """Lines as `import` reads them; the id is the reference, so that none comes back as a new one.

    Contest and reply are in them for whoever reads the file; `import` tells of them and takes neither.
    """
    for each in held:
        content = {
            **object_of(each.signal),
            "reference": each.signal.hex_id,
            **supplier_side(each.signal),
        }
        if without_narratives:
            content.pop("narrative", None)
        yield json.dumps(content, ensure_ascii=False).encode() + b"\n"
