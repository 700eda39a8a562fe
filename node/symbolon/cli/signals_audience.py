"""Who will be able to see what of a signal, in words, members grouped that see the same."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from symbolon.rpc.node import Node
from symbolon.rpc.signal_audience import Barrier, Reason, Seen, View
from symbolon.signals.free_text import shown
from symbolon.signals.released import WITHHOLDABLE
from symbolon.signals.signal import NOT_RATED, Signal
from symbolon.signals.vocabulary import State
from symbolon.suppliers.match_keys import match_keys
from symbolon.suppliers.tier import Tier

NAMES_SHOWN: Final = 3
"""Members of a group that are named; `--all` and `--json` name every one."""

_FIELD_WORDS: Final = {
    "subject_kind": "what kind of place it is",
    "indicators": "the indicators",
    "severity": "the severity",
    "likelihood": "the likelihood",
    "confidence": "the confidence",
    "reliability": "the reliability of the source",
    "evidence": "the kind of evidence",
    "native": "the grade of its own scheme",
    "period": "the period",
    "narrative": "the narrative",
}
assert tuple(_FIELD_WORDS) == WITHHOLDABLE

_BARRIERS: Final = {
    Barrier.NO_KEY: "no match key can be made of the subject, so nobody can find it",
    Barrier.RECIPIENTS: "it is none of the recipients you named",
    Barrier.NO_PERMIT: "no [[allow]] table and no policy permits it",
    Barrier.NEVER_GIVEN: "it was never given it",
    Barrier.COUNT_ONLY: "policy has it counted only",
    Barrier.HUMAN_REVIEW: "policy wants a person to approve it first (`symbolon signals approve`)",
    Barrier.TOO_LATE: "it expires before it could go out",
    Barrier.UNMET: "an obligation of policy is not met",
}
_PLURALS: Final = {
    "company": "companies",
    "ngo": "NGOs",
    "coordinator": "coordinators",
    "auditor": "auditors",
}


def audience_lines(
    seen: Sequence[Seen], signal: Signal, today: date, *, every_name: bool = False
) -> Iterator[str]:
    """Yields a line for each group of members that see the same, those that see something first.

    Args:
        seen: from `rpc.signal_audience`.
        signal: that it is about.
        today: by this node's clock.
        every_name: name every member of a group.
    """
    if not seen:
        yield "nobody: the coalition has no other member"
        return
    groups: dict[tuple[tuple[View, ...], tuple[Reason, ...]], list[Seen]] = {}
    for each in sorted(seen, key=lambda one: not one.views):
        groups.setdefault((each.views, each.reasons), []).append(each)
    if not any(views for views, _ in groups):
        yield "nobody, as things stand:"
    for (views, reasons), members in groups.items():
        who = _names(members, every_name=every_name)
        for view in views:
            yield f"{who}: {_what(view, signal)}, {_since(view.since, today)}, for {_listed(view.purposes)}"
        if reasons:
            yield f"{who}: nothing{_elsewhere(views)}, because {'; '.join(map(_why, reasons))}"


def audience_json(seen: Sequence[Seen]) -> list[dict[str, Any]]:
    """The same for programs, every member by itself."""
    return [
        {
            "member": each.member,
            "kind": each.kind,
            "views": [
                {
                    "purposes": list(view.purposes),
                    "tiers": list(view.tiers),
                    "since": view.since.isoformat(),
                    "withheld": sorted(view.shape.redact.fields) if view.shape.redact else [],
                    "coarsen": view.shape.coarsen.period.value if view.shape.coarsen else None,
                    "no_onward": view.shape.no_onward,
                    "retain_days": view.shape.retain.days if view.shape.retain else None,
                }
                for view in each.views
            ],
            "reasons": [
                {"barrier": one.barrier.value, "purposes": list(one.purposes), "words": one.words}
                for one in each.reasons
            ],
        }
        for each in seen
    ]


def terms_lines(node: Node, signal: Signal, *, has_source: bool) -> Iterator[str]:
    """Yields what is so for everybody: how it is found, when it goes out, what nobody sees."""
    tiers = {each.tier for each in match_keys(signal.subject.record)}
    if not tiers:
        yield "It cannot be found by anybody: give an identifier, or a name with a place, and add it again."
    elif tiers == {Tier.C}:
        yield "It is found as a candidate alone, for a person to decide: an identifier would be certain."
    else:
        yield f"It is found as a match that is {_listed([each.band for each in sorted(tiers)], 'or')}."
    if signal.state is State.RECALLED:
        yield "Of what it told nothing leaves any more."
        return
    hours = node.config.exchange.additions_interval_s / 3600
    batch = f"at most every {hours:g} hours" if hours else "without waiting"
    yield (
        "Each member gets it at its next lookup, at once: it is urgent."
        if signal.urgent
        else f"Each member gets it at its next lookup; what is new goes out {batch}."
    )
    yield f"TLP:{signal.tlp.value.upper()}: whoever has it may share it {signal.tlp.words}."
    yield "Whom it is about: only those learn it who have that supplier on their own list."
    yield (
        "Nobody sees the source: your notes stay sealed at this node."
        if has_source
        else "Nobody sees the source: none is noted, and none would leave this node."
    )


def _names(members: Sequence[Seen], *, every_name: bool) -> str:
    count = len(members) if every_name or len(members) <= NAMES_SHOWN + 1 else NAMES_SHOWN
    names = [each.member for each in members[:count]]
    rest = members[count:]
    if not rest:
        return _listed(names)
    kinds = {each.kind for each in rest}
    what = _PLURALS.get(kinds.pop(), "members") if len(kinds) == 1 else "members"
    return f"{', '.join(names)} and {len(rest)} more {what}"


def _what(view: View, signal: Signal) -> str:
    if signal.state is State.RECALLED:
        return "that it was recalled, and nothing else"
    shape = view.shape
    held = _held(signal)
    hidden = [each for each in WITHHOLDABLE if shape.redact and each in shape.redact.fields and each in held]
    words = "everything"
    if hidden:
        words += f" but {_listed([_FIELD_WORDS[each] for each in hidden])}"
    notes = []
    if "narrative" in held and "narrative" not in hidden:
        notes.append("the narrative when it asks for that")
    if shape.coarsen is not None:
        notes.append(f"all its times as whole {shape.coarsen.period.value}s")
    if shape.no_onward:
        notes.append("not to be passed on")
    if shape.retain is not None:
        notes.append(f"to be erased after {shape.retain.days} days")
    if len(view.tiers) < len({each.tier for each in match_keys(signal.subject.record)}):
        notes.append(f"if it asks by tier {_listed(view.tiers, 'or')}")
    return f"{words} ({'; '.join(notes)})" if notes else words


def _held(signal: Signal) -> frozenset[str]:
    """Fields that can be withheld and that this signal has."""
    filled = {
        "subject_kind": True,
        "indicators": bool(signal.indicators),
        "severity": signal.severity != NOT_RATED,
        "likelihood": bool(signal.likelihood),
        "confidence": signal.confidence is not None,
        "reliability": signal.reliability is not None,
        "evidence": signal.evidence is not None,
        "native": signal.native is not None,
        "period": signal.period is not None,
        "narrative": bool(signal.narrative),
    }
    return frozenset(name for name, there in filled.items() if there)


def _since(day: date, today: date) -> str:
    return "from now on" if day <= today else f"from {day_words(day)}"


def day_words(day: date) -> str:
    """A day as a person writes it: 6 December 2026."""
    return f"{day.day} {day:%B} {day.year}"


def _elsewhere(views: Sequence[View]) -> str:
    return " else" if views else ""


def _why(reason: Reason) -> str:
    words = shown(reason.words, one_line=True)
    match reason.barrier:
        case Barrier.STANDING:
            said = f"its membership does not stand now ({words})"
        case Barrier.FORBIDDEN:
            said = f"policy forbids it ({words.rstrip('.')})"
        case Barrier.UNDECIDED:
            said = f"a policy cannot be decided ({words}); `symbolon policy check` says more"
        case Barrier.CORROBORATION:
            said = f"policy waits until {words} independent contributors say the same"
        case Barrier.NOTICE:
            said = f"policy waits for a notice to the {words} (`symbolon signals notified`)"
        case _:
            said = _BARRIERS[reason.barrier]
    return f"{said}, for {_listed(reason.purposes)}" if reason.purposes else said


def _listed(words: Sequence[str], joint: str = "and") -> str:
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}"
