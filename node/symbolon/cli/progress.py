"""Progress of long work, on stderr, and only where a person is looking."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column


@contextmanager
def session_progress(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar that an exchange can tell its phase, items done and items to do."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    # Counts of a million entries stay whole where the terminal is narrow; the bar gives way.
    counts = MofNCompleteColumn(table_column=Column(min_width=len("1000000/1000000")))
    columns = (TextColumn("{task.description}"), BarColumn(), counts, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, int] = {}

        def tell(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(f"{title}: {phase}", total=total)
            bars.update(tasks[phase], completed=done)  # type: ignore[arg-type]

        yield tell
