"""`symbolon signals add`: a signal from a person, guided at a terminal or by options."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from symbolon.cli import signals_options as options
from symbolon.cli.node_home import open_node
from symbolon.cli.signals_audience import audience_json, audience_lines, terms_lines
from symbolon.cli.signals_confirm import confirm
from symbolon.cli.signals_delegating import store_delegated, typed_delegation
from symbolon.cli.signals_draft import obtain_draft, tell_draft
from symbolon.cli.signals_offline import write_offline
from symbolon.cli.signals_shown import short_id
from symbolon.errors import UsageError
from symbolon.rpc.contributing import Screened, contribute
from symbolon.rpc.node import Node
from symbolon.rpc.signal_audience import Seen, audience_of, audience_of_stored
from symbolon.signals.signal import ID_BYTES, Signal


def add(
    kind: options.Kind = "",
    name: options.Name = "",
    address: options.Address = "",
    city: options.City = "",
    region: options.Region = "",
    postal_code: options.PostalCode = "",
    country: options.Country = "",
    os_id: options.OsId = "",
    lei: options.Lei = "",
    gln: options.Gln = "",
    duns: options.Duns = "",
    vat: options.Vat = "",
    imo: options.Imo = "",
    registration_number: options.RegistrationNumber = "",
    parent_name: options.ParentName = "",
    latitude: options.Latitude = "",
    longitude: options.Longitude = "",
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
    workers: options.Workers = "",
    narrative_file: options.NarrativeFile = None,
    tlp: options.TlpMark = "",
    purposes: options.Purposes = None,
    recipients: options.Recipients = None,
    embargo: options.Embargo = "",
    expires: options.Expires = "",
    review: options.Review = "",
    urgent: Annotated[
        bool, typer.Option("--urgent", help="Told at once; child labour and hazardous work only.")
    ] = False,
    source_file: options.SourceFile = None,
    delegate: options.Delegate = "",
    as_kind: options.AsKind = False,
    reviewed: options.Reviewed = False,
    offline: Annotated[
        Path | None,
        typer.Option(metavar="TO", help="On a machine without a node: write it into this file or folder."),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option("--for", metavar="KEY_FILE", help="With --offline: key of the node's drop box."),
    ] = None,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
) -> None:
    """Add a signal about a supplier. Without options it asks, in plain words, one thing at a time.

    It shows what the screening found, what would be stored and who could see it, and asks before it stores.
    It ends by saying who will be able to see what. Prints the signal's id. With --delegate another member
    publishes it, for good: it reads everything but the source, and nobody else learns whose it is.
    """
    subject = {
        "name": name,
        "address": address,
        "city": city,
        "region": region,
        "postal_code": postal_code,
        "country": country,
        "os_id": os_id,
        "lei": lei,
        "gln": gln,
        "duns": duns,
        "vat": vat,
        "imo": imo,
        "registration_number": registration_number,
        "parent_name": parent_name,
        "latitude": latitude,
        "longitude": longitude,
    }
    seen = {
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
        "workers": workers,
    }
    sharing = {
        "tlp": tlp,
        "purposes": purposes,
        "recipients": recipients,
        "embargo": embargo,
        "expires": expires,
        "review": review,
        "urgent": urgent or None,
    }
    fields = {"kind": kind, **subject, **seen, **sharing}
    if (offline is None) != (key_file is None):
        raise UsageError(
            "--offline and --for go together",
            hint="--for names the key that `symbolon signals dropbox` printed at the node.",
        )
    if offline is not None and delegate:
        raise UsageError(
            "--delegate goes with a node, and --offline is without one",
            hint="At the node: `symbolon signals import FILE --delegate MEMBER`.",
        )
    if offline is not None and key_file is not None:
        written = write_offline(
            offline,
            key_file,
            fields,
            narrative_file=narrative_file,
            source_file=source_file,
            reviewed=reviewed,
            yes=yes,
        )
        print(json.dumps({"file": str(written)}) if as_json else written)
        return
    with open_node() as node:
        # Asked for first: who has typed everything should not hear then that it cannot be.
        delegation = typed_delegation(node, delegate, as_kind=as_kind)
        screened = obtain_draft(
            fields,
            narrative_file=narrative_file,
            source_file=source_file,
            today=node.now.date(),
            members=node.directory.current(),
            own=node.member_id,
            reviewed=reviewed,
        )
        if delegation is None:
            document = store_shown(node, screened, yes=yes)
        else:
            document = store_delegated(node, screened, delegation, yes=yes)
    if source_file is not None and str(source_file) != "-":
        print(f"symbolon: hint: {source_file} still holds the source in clear: erase it.", file=sys.stderr)
    print(json.dumps(document, indent=2, ensure_ascii=False) if as_json else document["signal"])


def store_shown(node: Node, screened: Screened, *, yes: bool, content: bytes | None = None) -> dict[str, Any]:
    """Shows a draft and who could see it, asks, stores it, and says who will be able to see what.

    Args:
        node: this node.
        screened: whose findings its author has looked at.
        yes: what `--yes` said.
        content: see `contribute`; None where no import brought it.

    Returns:
        Id, revision and audience, for `--json`.
    """
    today = node.now.date()
    draft = screened.draft
    tell_draft(draft, today)
    trial = draft.first_revision(bytes(ID_BYTES), today)
    # Asked for in any case: with policies that cannot be read, nobody could say who would see it.
    seen = audience_of(node, trial)
    if not yes:
        print("\nIf you store it, this is who will be able to see what:", file=sys.stderr)
        tell_audience(node, trial, seen, has_source=bool(draft.source))
    confirm("Store it?", yes=yes)
    contents = None if content is None else [content]
    ((_, signal),) = contribute(node, [screened], reviewed=True, contents=contents)
    held = node.signals.get(signal.hex_id)
    seen = audience_of_stored(node, held)
    print(f"\nStored as {short_id(signal)}. Who will be able to see what:", file=sys.stderr)
    tell_audience(node, signal, seen, has_source=held.has_source)
    return {"signal": signal.hex_id, "revision": signal.revision, "audience": audience_json(seen)}


def tell_audience(
    node: Node, signal: Signal, seen: tuple[Seen, ...], *, has_source: bool, every_name: bool = False
) -> None:
    """Says on stderr who will be able to see what."""
    for line in audience_lines(seen, signal, node.now.date(), every_name=every_name):
        print(f"  {line}", file=sys.stderr)
    for line in terms_lines(node, signal, has_source=has_source):
        print(line, file=sys.stderr)
