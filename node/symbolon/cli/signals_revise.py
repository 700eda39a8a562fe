"""`symbolon signals revise`: change a signal; what lets out more than before is said and asked first."""

import json
import sys
from dataclasses import fields as fields_of
from typing import Annotated, Any, Final

import typer

from symbolon.cli import signals_options as options
from symbolon.cli.node_home import open_node
from symbolon.cli.signals_add import tell_audience
from symbolon.cli.signals_audience import audience_json
from symbolon.cli.signals_confirm import confirm
from symbolon.cli.signals_delegating import send_and_tell, standing_json, tell_terms
from symbolon.cli.signals_findings import tell_findings
from symbolon.cli.signals_shown import short_id
from symbolon.cli.signals_texts import read_text, require_one_stdin
from symbolon.cli.signals_typed import (
    Fields,
    is_empty,
    object_of,
    read_typed,
    require_known,
    typed_object,
    without,
)
from symbolon.errors import SignalError, UsageError
from symbolon.rpc import contributing
from symbolon.rpc.contributing import ReviewNeededError
from symbolon.rpc.node import Node
from symbolon.rpc.signal_audience import audience_of_stored
from symbolon.signals import revisions
from symbolon.signals.draft import MAX_SOURCE_CHARS, Draft
from symbolon.signals.loosening import loosened
from symbolon.signals.signal import MAX_NARRATIVE_CHARS, Signal
from symbolon.storage.signal_columns import StoredSignal

_REVISED: Final = frozenset(
    each.name for each in fields_of(Draft) if each.name in {one.name for one in fields_of(Signal)}
) - {"subject"}
"""Fields that a draft and a signal share, and that a revision may change."""


def revise(
    signal_id: options.SignalId,
    indicators: options.Indicators = None,
    evidence: options.EvidenceKind = "",
    scale: options.Scale = "",
    scope: options.Scope = "",
    irremediability: options.Irremediability = "",
    likelihood: options.Likelihood = "",
    confidence: options.Confidence = "",
    reliability: options.ReliabilityGrade = "",
    scheme: options.Scheme = "",
    grade: options.Grade = "",
    first: options.First = "",
    last: options.Last = "",
    narrative_file: options.NarrativeFile = None,
    tlp: options.TlpMark = "",
    purposes: options.Purposes = None,
    recipients: options.Recipients = None,
    embargo: options.Embargo = "",
    expires: options.Expires = "",
    review: options.Review = "",
    urgent: Annotated[
        bool | None, typer.Option("--urgent/--not-urgent", help="Told at once, or with the daily batch.")
    ] = None,
    clear: Annotated[
        list[str] | None,
        typer.Option(help="Leave a field out from now on, for example embargo or narrative; repeatable."),
    ] = None,
    source_file: options.SourceFile = None,
    reviewed: options.Reviewed = False,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
) -> None:
    """Change a signal. The new revision goes to everybody who was given it, at the next contact.

    Whom it is about cannot change: recall it as wrong-subject, and add another. What would let out more than
    before is said in words, and asked. A list that is given takes the place of the whole one before.
    """
    require_one_stdin(narrative_file, source_file)
    typed: dict[str, Any] = {
        "indicators": indicators,
        "evidence": evidence,
        "scale": scale,
        "scope": scope,
        "irremediability": irremediability,
        "likelihood": likelihood,
        "confidence": confidence,
        "reliability": reliability,
        "scheme": scheme,
        "grade": grade,
        "first": first,
        "last": last,
        "tlp": tlp,
        "purposes": purposes,
        "recipients": recipients,
        "embargo": embargo,
        "expires": expires,
        "review": review,
        "urgent": urgent,
    }
    if narrative_file is not None:
        typed["narrative"] = read_text(narrative_file, "the narrative", MAX_NARRATIVE_CHARS)
    source = None
    if source_file is not None:
        source = read_text(source_file, "the note on the source", MAX_SOURCE_CHARS)
    if is_empty(typed) and not clear and source is None:
        raise UsageError("nothing says what is to change", hint="Name a field, for example --confidence 60.")
    with open_node() as node:
        held = node.signals.get(signal_id)
        changes = _changes(node, held, typed, clear or [])
        if not changes and source is None:
            raise SignalError("nothing would change", hint="Name what is to change.", code="signal.unchanged")
        if changes:
            held = revise_shown(node, held, changes, reviewed=reviewed, yes=yes)
        if source is not None:
            node.signals.set_source(held.number, source)
            held = node.signals.get(held.signal.hex_id)
            print("The note on the source was replaced.", file=sys.stderr)
        print(f"\n{short_id(held.signal)} is at revision {held.signal.revision}.", file=sys.stderr)
        audience = _tell_seen(node, held)
    if as_json:
        document = {
            "signal": held.signal.hex_id,
            "revision": held.signal.revision,
            "changed": sorted(changes),
            **audience,
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))


def _tell_seen(node: Node, held: StoredSignal) -> dict[str, Any]:
    """Says who will be able to see what; or hands it over, where another member publishes it."""
    if (delegation := node.delegations.find(held.number)) is not None:
        tell_terms(node, delegation.kept)
        return standing_json(send_and_tell(node, held.number))
    seen = audience_of_stored(node, held)
    print("Who will be able to see what:", file=sys.stderr)
    tell_audience(node, held.signal, seen, has_source=held.has_source)
    return {"audience": audience_json(seen)}


def revise_shown(
    node: Node,
    held: StoredSignal,
    changes: dict[str, Any],
    *,
    reviewed: bool,
    yes: bool,
    content: bytes | None = None,
) -> StoredSignal:
    """Revises a signal, after what it lets out more than before was said and confirmed.

    Args:
        node: this node.
        held: its newest revision.
        changes: fields of `Signal`.
        reviewed: a person has looked at what the screening finds.
        yes: what `--yes` said.
        content: see `contributing.revise`.
    """
    new = revisions.revise(held.signal, node.now.date(), **changes)
    looser = loosened(held.signal, new)
    if looser:
        print("This lets out more than before:", file=sys.stderr)
        for each in looser:
            print(f"  {each}", file=sys.stderr)
        given = node.disclosures.peers(held.number)
        if given:
            print(f"  it was given to {', '.join(given)} before", file=sys.stderr)
        confirm("Do you mean that?", yes=yes, undone="Nothing was changed.")
    try:
        return contributing.revise(node, held, reviewed=reviewed, content=content, **changes)
    except ReviewNeededError as error:
        tell_findings(error.found)
        raise


def _changes(node: Node, held: StoredSignal, typed: Fields, clear: list[str]) -> dict[str, Any]:
    """The fields of a signal that would be others than they are.

    Raises:
        SignalError: it is recalled.
        UsageError: what was typed does not hold.
    """
    today = node.now.date()
    base = object_of(held.signal)
    if not base:
        # `revisions.revise` has the words for it.
        revisions.revise(held.signal, today, urgent=True)
    draft = read_typed(typed_object(typed, without(base, clear)), today, tell_subject=False)
    changes = {}
    for name in _REVISED:
        value, before = getattr(draft, name), getattr(held.signal, name)
        # None is a default of a draft here, not a wish.
        if value != before and not (value is None and name in ("expires", "review")):
            changes[name] = value
    if {"purposes", "recipients"} & changes.keys():
        require_known(draft, node.directory.current(), node.member_id)
    return changes
