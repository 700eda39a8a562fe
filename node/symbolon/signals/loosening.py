"""What a revision lets out that the one before did not, in words that its author can be asked about.

Handles: a TLP mark that lets receivers share more, more recipients, more purposes, an embargo that ends
sooner, an urgent mark that is set or withdrawn. Policy may still keep any of it back. Refuses nothing: to
loosen is the contributor's right, once it has been told. Specification: docs/contributing-signals.md.
"""

from collections.abc import Iterator

from symbolon.signals.signal import Signal


def loosened(before: Signal, after: Signal) -> tuple[str, ...]:
    """One clause for each thing that is looser in `after`, for a list; none where nothing is."""
    return (
        *_mark(before, after),
        *_recipients(before, after),
        *_purposes(before, after),
        *_embargo(before, after),
        *_urgent(before, after),
    )


def _mark(before: Signal, after: Signal) -> Iterator[str]:
    if after.tlp.number > before.tlp.number:
        yield (
            f"the mark goes from TLP:{before.tlp.value.upper()} to TLP:{after.tlp.value.upper()}:"
            f" receivers may share it {after.tlp.words}"
        )


def _recipients(before: Signal, after: Signal) -> Iterator[str]:
    if not before.recipients:
        return
    if not after.recipients:
        named = ", ".join(before.recipients)
        yield f"it may go to every member that policy permits, no longer to {named} alone"
    elif new := sorted(set(after.recipients) - set(before.recipients)):
        yield f"it may go to {', '.join(new)} as well"


def _purposes(before: Signal, after: Signal) -> Iterator[str]:
    if new := sorted(set(after.purposes) - set(before.purposes)):
        yield f"it may be used for {', '.join(new)} as well"


def _embargo(before: Signal, after: Signal) -> Iterator[str]:
    # An embargo that has ended lets nothing more out when it is taken away.
    if before.embargo is None or before.embargo <= after.issued:
        return
    if after.embargo is None:
        yield f"its embargo until {before.embargo} ends now"
    elif after.embargo < before.embargo:
        yield f"its embargo ends on {after.embargo}, not on {before.embargo}"


def _urgent(before: Signal, after: Signal) -> Iterator[str]:
    if after.urgent and not before.urgent:
        yield "it is told at once, without waiting for the daily batch"
    if before.urgent and not after.urgent:
        yield "its urgent mark is withdrawn: what changes in it waits for the daily batch"
