"""The options by which the fields of a signal are given on the command line, for all commands that take them.

None of them takes the source: command lines are seen by other users of a machine and kept by shells.
"""

from pathlib import Path
from typing import Annotated

import typer

SignalId = Annotated[
    str, typer.Argument(metavar="SIGNAL", help="Its id, or the first digits of it: four or more.")
]
Kind = Annotated[str, typer.Option(help="site, organisation, recruiter or vessel.")]
Name = Annotated[str, typer.Option(help="Name of the site, organisation, recruiter or vessel.")]
Address = Annotated[str, typer.Option(help="Street and number.")]
City = Annotated[str, typer.Option(help="City or place.")]
Region = Annotated[str, typer.Option(help="State or province.")]
PostalCode = Annotated[str, typer.Option(help="Postal code.")]
Country = Annotated[str, typer.Option(help="Two-letter code, or name.")]
OsId = Annotated[str, typer.Option(help="Open Supply Hub id.")]
Lei = Annotated[str, typer.Option(help="Legal Entity Identifier.")]
Gln = Annotated[str, typer.Option(help="Global Location Number.")]
Duns = Annotated[str, typer.Option(help="D-U-N-S number.")]
Imo = Annotated[str, typer.Option(help="IMO number of a ship.")]
Vat = Annotated[str, typer.Option(help="VAT number.")]
RegistrationNumber = Annotated[str, typer.Option(help="In the register of companies or ships.")]
ParentName = Annotated[str, typer.Option(help="Organisation that owns it.")]
Latitude = Annotated[str, typer.Option(help="Of the subject itself.")]
Longitude = Annotated[str, typer.Option(help="Of the subject itself.")]
Indicators = Annotated[
    list[str] | None, typer.Option("--indicator", help="What was seen, for example debt-bondage; repeatable.")
]
EvidenceKind = Annotated[str, typer.Option(help="What it rests on, for example worker-interview.")]
Scale = Annotated[str, typer.Option(help="How grave: 0 to 4, or low, moderate, high, extreme.")]
Scope = Annotated[str, typer.Option(help="How many it reaches: 0 to 4, or a word.")]
Irremediability = Annotated[str, typer.Option(help="How far beyond being made good: 0 to 4, or a word.")]
Likelihood = Annotated[str, typer.Option(help="How likely it goes on: 0 to 4, or a word.")]
Confidence = Annotated[str, typer.Option(help="In the content, 0 to 100.")]
ReliabilityGrade = Annotated[str, typer.Option("--reliability", help="Of the source, A to F.")]
Scheme = Annotated[str, typer.Option(help="Scheme of an audit, for example SMETA 7.0; with --grade.")]
Grade = Annotated[str, typer.Option(help="Its grade, as the report has it.")]
First = Annotated[str, typer.Option("--from", metavar="MONTH", help="First month, for example 2026-01.")]
Last = Annotated[str, typer.Option("--to", metavar="MONTH", help="Last month; without it, the first.")]
NarrativeFile = Annotated[
    Path | None, typer.Option(help="Text file with the narrative; - is standard input.")
]
TlpMark = Annotated[str, typer.Option("--tlp", help="red, amber+strict, amber, green or clear.")]
Purposes = Annotated[list[str] | None, typer.Option("--purpose", help="What it may be used for; repeatable.")]
Recipients = Annotated[
    list[str] | None,
    typer.Option("--recipient", help="Member it may go to, and no other; repeatable. Without: by policy."),
]
Embargo = Annotated[str, typer.Option(metavar="DAY", help="It goes to nobody before, as 2026-12-31.")]
Expires = Annotated[str, typer.Option(metavar="DAY", help="It is erased everywhere then.")]
Review = Annotated[str, typer.Option(metavar="DAY", help="You look at it again by then.")]
Workers = Annotated[str, typer.Option(help="How many work there: warns below eleven; not kept.")]
SourceFile = Annotated[
    Path | None,
    typer.Option(help="Text file with notes on the source; - is standard input. They stay sealed here."),
]
Reviewed = Annotated[
    bool, typer.Option("--reviewed", help="A person has looked at what the screening found.")
]
Delegate = Annotated[
    str,
    typer.Option(metavar="MEMBER", help="This member publishes it in its own name, and reads all of it."),
]
AsKind = Annotated[
    bool, typer.Option("--as-kind", help="With --delegate: show this member's kind, for example an NGO.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
