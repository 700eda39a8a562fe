"""What somebody accepts, shown to who has to: the terms of use, the purposes, the prohibited uses."""

import sys

from symbolon.membership.coalition_state import State
from symbolon.membership.due_diligence import PROHIBITED_USES


def show_terms(state: State) -> None:
    """Prints all that is accepted with the terms in force, to stderr."""
    for line in shown_terms(state.terms.decode("utf-8")):
        print(line, file=sys.stderr)
    show_uses(state)


def show_uses(state: State) -> None:
    """Prints what members exchange for, and what nobody may use it for, to stderr."""
    print(f"Purposes: {', '.join(state.members.purposes)}.", file=sys.stderr)
    print(f"Prohibited: {', '.join(PROHIBITED_USES)}.", file=sys.stderr)


def shown_terms(text: str) -> list[str]:
    """Terms of use for who has to judge them, line by line; nothing in them can move the cursor."""
    marked = ("".join(each if each.isprintable() else "?" for each in line) for line in text.splitlines())
    return [f"| {line}" for line in marked]
