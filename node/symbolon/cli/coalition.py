"""`symbolon coalition`: found a coalition, enrol and expel members, accept an enrolment."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from symbolon import config
from symbolon.cli.enrolment_file import Enrolment, Request
from symbolon.cli.node_home import home, open_node
from symbolon.cli.signed_in import require_second_person
from symbolon.cli.typed_ids import typed_coalition_id, typed_member_id
from symbolon.errors import MembershipError, UsageError
from symbolon.membership.atomic_file import read_bounded, write_atomically
from symbolon.membership.authority import LIST_FILE, Authority
from symbolon.membership.certificates import verify_leaf
from symbolon.membership.member_list import MAX_LIST_BYTES, verify_member_list
from symbolon.membership.trust_anchor import MAX_ANCHOR_BYTES, TrustAnchor
from symbolon.rpc.node import ANCHOR_FILE, LEAF_FILE, MEMBERS_FILE

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Make a coalition, enrol and expel members.",
)

Directory = Annotated[Path, typer.Argument(help="Folder of the coalition's authority.")]


def _now() -> datetime:
    return datetime.now(UTC)


@app.command()
def create(
    authority: Directory,
    name: Annotated[str, typer.Option(help="The coalition's id: lower-case letters, digits, hyphens.")],
) -> None:
    """Found a coalition: keys, root certificate and an empty member list, in a folder of their own."""
    made = Authority.create(authority, typed_coalition_id(name), _now)
    print(f"Founded {name}. Keep {authority} to yourself and back it up.", file=sys.stderr)
    print("Tell every member this fingerprint by phone or in person:", file=sys.stderr)
    print(made.anchor.fingerprint)


@app.command()
def enrol(
    authority: Directory,
    request: Annotated[Path, typer.Argument(help="The request.json that the new member sent.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the enrolment.")] = None,
) -> None:
    """Admit a member by its request, and write the enrolment to send back.

    Then send the new members.list to every member.
    """
    asked, open_authority = _asked(authority, request)
    certificate = open_authority.enrol(asked.member, asked.kind, asked.endpoint, asked.csr_pem)
    _send_back("Admitted", authority, open_authority, asked.member, certificate, out)


def _asked(authority: Path, request: Path) -> tuple[Request, Authority]:
    """A member's request, and the authority it is for.

    Raises:
        MembershipError: the request is for another coalition.
    """
    asked = Request.read(request)
    open_authority = Authority.load(authority, _now)
    if asked.coalition != open_authority.anchor.coalition:
        raise MembershipError(
            f"the request is for {asked.coalition}, this is {open_authority.anchor.coalition}",
            hint="Ask the member to run `symbolon init` with the right --coalition.",
        )
    return asked, open_authority


def _send_back(
    done: str, authority: Path, open_authority: Authority, member: str, certificate: bytes, out: Path | None
) -> None:
    """Writes the enrolment and says who is to get what."""
    target = out or Path(f"{member}-enrolment.json")
    Enrolment(member, open_authority.anchor, certificate, open_authority.current_list()).write(target)
    print(f"{done} {member}. Send {target} back to it,", file=sys.stderr)
    print(f"and {authority / LIST_FILE} to every other member.", file=sys.stderr)
    print(target)


@app.command()
def renew(
    authority: Directory,
    request: Annotated[Path, typer.Argument(help="The member's request.json, the old one or a new one.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the enrolment.")] = None,
) -> None:
    """Give a current member a new certificate, before the old one ends; it accepts it like the first.

    The old certificate is refused as soon as the new members.list has reached the other members.
    """
    asked, open_authority = _asked(authority, request)
    certificate = open_authority.renew(asked.member, asked.csr_pem, endpoint=asked.endpoint)
    _send_back("Renewed", authority, open_authority, asked.member, certificate, out)


@app.command()
def rotate(
    peer: Annotated[
        str, typer.Argument(help="Member whose match key is erased; all members without it.")
    ] = "",
) -> None:
    """Erase the match keys of this node: do so after it was restored from a backup.

    The next session with each peer begins a new key epoch and compares the whole lists; budgets go on.
    """
    with open_node() as node:
        erased = node.sending.erase_where(lambda owner, _: not peer or owner == peer)
    print(f"Erased {erased} match keys.", file=sys.stderr)


@app.command()
def accept(
    enrolment: Annotated[Path, typer.Argument(help="The enrolment that the coordinator sent.")],
    fingerprint: Annotated[
        str, typer.Option(help="The coalition's fingerprint, as told by phone or in person; checked.")
    ] = "",
) -> None:
    """Take the certificate and member list that came back from the coordinator."""
    folder = home()
    settings = config.load(folder)
    given = Enrolment.read(enrolment)
    if fingerprint and given.anchor.fingerprint != fingerprint.strip().lower():
        raise MembershipError(
            "the enrolment is of another coalition than the fingerprint says",
            hint="Do not use it. Ask the coordinator, by phone, for the fingerprint and the file again.",
            code="membership.anchor",
        )
    if given.member != settings.node.member:
        raise UsageError(
            f"the enrolment is for {given.member}, this node is {settings.node.member}",
            hint="Name the right node with --home.",
        )
    now = _now()
    verify_leaf(given.certificate, given.anchor.root_pem, settings.node.coalition, now=now)
    verify_member_list(
        given.members, given.anchor.list_key, now=now, coalition=settings.node.coalition, min_version=0
    )
    write_atomically(folder / ANCHOR_FILE, given.anchor.to_bytes(), mode=0o644)
    write_atomically(folder / LEAF_FILE, given.certificate, mode=0o644)
    write_atomically(folder / MEMBERS_FILE, given.members, mode=0o644)
    print(f"{given.member} is enrolled. Fingerprint of the coalition:", file=sys.stderr)
    print(given.anchor.fingerprint)
    if not fingerprint:
        print("symbolon: hint: compare it with the coordinator's by phone.", file=sys.stderr)


@app.command()
def update(
    members: Annotated[Path, typer.Argument(help="The new members.list from the coordinator.")],
) -> None:
    """Take a newer member list; a running node uses it at once."""
    folder = home()
    settings = config.load(folder)
    anchor = TrustAnchor.from_bytes(read_bounded(folder / ANCHOR_FILE, MAX_ANCHOR_BYTES))
    document = read_bounded(members, MAX_LIST_BYTES)
    held = read_bounded(folder / MEMBERS_FILE, MAX_LIST_BYTES)
    now, coalition = _now(), settings.node.coalition
    new = verify_member_list(document, anchor.list_key, now=now, coalition=coalition, min_version=0)
    try:
        old = verify_member_list(held, anchor.list_key, now=now, coalition=coalition, min_version=0).version
    except MembershipError:
        old = 0
    if new.version < old:
        raise MembershipError(
            f"that list has version {new.version}, this node holds {old}", code="membership.rollback"
        )
    write_atomically(folder / MEMBERS_FILE, document, mode=0o644)
    print(f"Member list of version {new.version}: {len(new.members)} members.", file=sys.stderr)


@app.command()
def expel(
    authority: Directory,
    member: Annotated[str, typer.Argument(help="Member to expel; its id is never given again.")],
) -> None:
    """Expel a member. It is refused by every node that has the new member list."""
    opened = Authority.load(authority, _now)
    anchor = opened.anchor
    subject = f"{anchor.fingerprint} {member}".encode()
    require_second_person("expel", subject, f"expel {typed_member_id(member)} from {anchor.coalition}")
    opened.expel(member)
    print(f"Expelled {member}. Send {authority / LIST_FILE} to every member now:", file=sys.stderr)
    print("each runs `symbolon coalition update members.list`.", file=sys.stderr)
    print(authority / LIST_FILE)


@app.command()
def refresh(authority: Directory) -> None:
    """Sign the same members again with a new expiry date."""
    Authority.load(authority, _now).refresh()
    print(f"Signed again. Send {authority / LIST_FILE} to every member.", file=sys.stderr)
    print(authority / LIST_FILE)
