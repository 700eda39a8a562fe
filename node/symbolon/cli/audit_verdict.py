"""A verdict on audit logs as people read it: what was checked, who disclosed what to whom, what was found."""

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from symbolon.audit.verdict import Disclosure, FileSummary, NamedPolicy, Verdict, hour_words

_PLAIN_WIDTH: Final = 160
_SHOWN: Final = 200
"""Sessions in the table; --json has all."""


def print_verdict(verdict: Verdict, *, policies: bool = False) -> None:
    """Prints a verdict on stdout.

    Args:
        verdict: on files, or on the own log.
        policies: also print those that decided.
    """
    console = Console(highlight=False, markup=False, soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=_PLAIN_WIDTH, highlight=False, markup=False)
    for each in verdict.files:
        console.print(Text(_file_words(each)), soft_wrap=True)
    console.print(Text(_root_words(verdict)), soft_wrap=True)
    if verdict.disclosures:
        console.print()
        console.print(_table(verdict.disclosures))
    if policies:
        for policy in verdict.policies:
            console.print()
            console.print(Text(_policy_words(policy)))
    console.print()
    for finding in verdict.findings:
        where = f"{finding.file}: " if finding.file else ""
        console.print(
            Text(f"{finding.severity.upper():<8} {where}{finding.sentence} [{finding.code}]"), soft_wrap=True
        )
    console.print(Text(_sentence(verdict)), soft_wrap=True)


def _file_words(each: FileSummary) -> str:
    what = f"proof of one entry in the log of {each.member}" if each.proof else f"log of {each.member}"
    words = f"{each.file}: {what} in {each.coalition}, {each.entries} entries, {each.opened} of them open; "
    words += f"written {hour_words(each.hour)}"
    if each.recipient:
        words += f" for {each.recipient}"
    if not each.cosigned_by:
        return f"{words}; cosigned by none of {each.witnesses} other members."
    names = ", ".join(each.cosigned_by)
    return (
        f"{words}; the first {each.cosigned_entries} cosigned by {len(each.cosigned_by)} of {each.witnesses} "
        f"other members ({names}), the latest at {hour_words(each.cosigned_at_s // 3600)}."
    )


def _root_words(verdict: Verdict) -> str:
    if verdict.trusted:
        return f"Root of the coalition: {verdict.root}, the one that is trusted."
    return (
        f"Root of the coalition: {verdict.root or 'none'}, taken from the files. Who the members are rests "
        "on whoever wrote them, until you compare this fingerprint with one from another source (--root)."
    )


def _table(disclosures: tuple[Disclosure, ...]) -> Table:
    title = "What was disclosed (all counts with dummies)"
    if len(disclosures) > _SHOWN:
        title += f"; the last {_SHOWN} of {len(disclosures)} sessions, --json has all"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("hour", "asked", "of", "purpose", "mode"):
        table.add_column(name)
    table.add_column("keys", justify="right")
    table.add_column("entries", justify="right")
    terms = any(each.terms for each in disclosures)
    for name in ("signed by", "outcome", *(("terms",) if terms else ()), "decided by"):
        table.add_column(name)
    for each in disclosures[-_SHOWN:]:
        cells = (
            hour_words(each.hour).removesuffix(" UTC"),
            each.asker,
            each.owner,
            each.purpose,
            each.mode,
            str(sum(each.asked.values())),
            str(each.sent),
            {"both": "both", "one": "one end", "none": "nobody"}[each.receipts],
            each.outcome,
            *((each.terms,) if terms else ()),
            ", ".join(each.policies),
        )
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _policy_words(policy: NamedPolicy) -> str:
    lines = [
        f"{policy.policy_id} of {policy.member}, from {policy.source}; it decided {policy.sessions} sessions:"
    ]
    lines += [f"    {line}" for line in policy.text.split("\n")]
    # Somebody else wrote them, and they are shown on a terminal.
    return "\n".join("".join(filter(str.isprintable, line)) for line in lines)


def _sentence(verdict: Verdict) -> str:
    broken = sum(each.severity == "broken" for each in verdict.findings)
    missing = sum(each.severity == "missing" for each in verdict.findings)
    if verdict.holds:
        return "All of it holds. docs/audit.md says what that proves, and what it does not."
    return f"It does not hold: {broken} broken, {missing} missing."
