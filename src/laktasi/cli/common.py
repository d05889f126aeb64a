"""What every command shares: the options that choose a project, and how tables and progress look."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from laktasi.pipeline import Progress as Tell
    from laktasi.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])


def project_options(command: Command) -> Command:
    """Add the options that say which project and which data folder a command works on."""
    command = click.option(
        "--data", type=click.Path(path_type=Path), help="Data folder.  [default: data/ in the project]"
    )(command)
    return click.option(
        "--project",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Folder with xlsforms/ and schemas/.  [default: this checkout]",
    )(command)


def settings_for(project: Path | None, data: Path | None, **given: Any) -> Settings:
    """Read the settings; what the command line gives wins."""
    from laktasi.settings import read_settings

    return read_settings(project, data=data.resolve() if data else None, **given)


def given_options(wanted: Mapping[str, str | None]) -> str:
    """Give options as they were typed, for a sentence: `` for --centre c1``; a flag has an empty value."""
    said = "".join(f" --{name} {value}".rstrip() for name, value in wanted.items() if value is not None)
    return said and f" for{said}"


@contextmanager
def asking(otherwise: str, *, instead: str) -> Iterator[None]:
    """Ask inside it, before anything is changed: it says what it means that a question got no answer, or the answer No.

    Parameters
    ----------
    otherwise
        What has not happened then: a sentence.
    instead
        What to do where nobody can be asked.

    Raises
    ------
    LaktasiError
        There was nobody to answer: standard input has come to its end.
    """
    from laktasi.errors import LaktasiError

    try:
        yield
    except (click.Abort, KeyboardInterrupt) as stopped:
        is_answered = isinstance(stopped, click.Abort) and stopped.__context__ is None
        if not is_answered:
            click.echo()  # the question stands on this line
        if isinstance(stopped.__context__, EOFError):
            raise LaktasiError("nobody answered the question", why=otherwise, next_step=instead) from None
        click.echo(otherwise)
        raise click.exceptions.Exit(1) from None


def is_terminal() -> bool:
    """Say whether a person reads standard output, rather than a pipe or a file."""
    import sys

    return sys.stdout.isatty()


def print_values(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, for_spreadsheet: bool = False) -> None:
    """Print rows as tab-separated values, whole and unrounded, one line a row.

    Parameters
    ----------
    for_spreadsheet
        A text that would be taken for a formula gets a ``'`` before it.
    """
    from laktasi.report.cells import harmless

    def cell(value: Any) -> str:
        text = _plain(value)
        return harmless(text) if for_spreadsheet and isinstance(value, str) else text

    click.echo("\t".join(columns))
    for row in rows:
        click.echo("\t".join(map(cell, row)))


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None, right: Collection[str] = ()
) -> None:
    """Print rows for a person: a table where the terminal is wide enough for it, else record by record.

    Nothing is cut: an id that is shown can be copied.

    Parameters
    ----------
    right
        Columns that hold numbers as text; those that hold numbers are known.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    rows = list(rows)
    texts = [[_plain(value) for value in row] for row in rows]
    if title:
        console.print(Text(title, style="bold"))
    widths = [max([len(name), *(_least_width(text[at]) for text in texts)]) for at, name in enumerate(columns)]
    if sum(widths) + 2 * len(widths) > console.width:
        for number, text in enumerate(texts, 1):
            console.print(Text(f"─ {number} of {len(texts)} ─", style="dim"))
            record = Table.grid(padding=(0, 2))
            for name, value in zip(columns, text, strict=True):
                record.add_row(Text(name, style="bold"), Text(value))
            console.print(record)
        return
    table = Table(box=SIMPLE_HEAD, header_style="bold", padding=(0, 1, 0, 0), pad_edge=False)
    for at, name in enumerate(columns):
        is_number = name in right or any(isinstance(row[at], int | float) for row in rows)
        table.add_column(name, justify="right" if is_number else "left", min_width=widths[at])
    for text in texts:
        table.add_row(*map(Text, text))
    console.print(table)


def print_by_rule(found: Iterable[tuple[str, str, str, str]]) -> None:
    """Print what is wrong rule by rule for a person: the message once, then a line for each place.

    Parameters
    ----------
    found
        Severity, rule, message, and the line of one place.
    """
    import shutil
    import textwrap

    by_rule: dict[tuple[str, str, str], list[str]] = {}
    for severity, rule, message, line in found:
        by_rule.setdefault((severity, rule, message), []).append(line)
    width = shutil.get_terminal_size().columns
    # An id is never broken: it is there to be copied.
    wrapper = textwrap.TextWrapper(width, subsequent_indent=" " * 8, break_long_words=False, break_on_hyphens=False)
    for (severity, rule, message), lines in sorted(by_rule.items(), key=lambda entry: (entry[0][0], -len(entry[1]))):
        heading = click.style(f"{severity} {rule}", bold=True, fg="red" if severity == "error" else "yellow")
        click.echo(f"{heading}  × {len(lines)}")
        click.echo(textwrap.fill(message, width, initial_indent="  ", subsequent_indent="  "))
        for line in lines:
            click.echo(wrapper.fill(f"    {line}"))
        click.echo()


def _least_width(text: str) -> int:
    """Give the width below which a text would be cut: words may stand on lines of their own, but not letters."""
    return min(len(text), max([_WRAP_AT, *map(len, text.split())]))


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_WRAP_AT = 24
"""Texts of several words are wrapped no narrower than this."""


def _plain(value: Any) -> str:
    return "" if value is None else visible(str(value))


def visible(text: str) -> str:
    """Give a text on one line, control characters written out: what a file holds must not steer a terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", " ".join(text.split()))


@contextmanager
def showing_progress() -> Iterator[Tell]:
    """Show what is being done on standard error, as a bar on a terminal and as a line a step elsewhere."""
    import sys

    if not sys.stderr.isatty():
        told: set[str] = set()

        def tell(what: str, _done: int, _total: int | None) -> None:
            if what not in told:
                told.add(what)
                click.echo(f"… {what}", err=True)

        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        now = ""

        def show(what: str, done: int, total: int | None) -> None:
            nonlocal now
            if what != now:
                now = what
                bar.reset(task, total=total, description=what)
            bar.update(task, completed=done, total=total)

        yield show
