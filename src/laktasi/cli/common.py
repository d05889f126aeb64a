"""What every command shares: the options that choose a project, and how tables and progress look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from laktasi.pipeline import Progress
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


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
    """Print rows to standard output: a table for a person, tab-separated values for a pipe."""
    import sys

    if not sys.stdout.isatty():
        click.echo("\t".join(columns))
        for row in rows:
            click.echo("\t".join("" if value is None else _plain(value) for value in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", header_style="bold")
    rows = list(rows)
    for number, column in enumerate(columns):
        is_number = any(isinstance(row[number], int | float) for row in rows)
        table.add_column(column, justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(Text("" if value is None else _plain(value)) for value in row))
    Console().print(table)


def _plain(value: Any) -> str:
    return " ".join(str(value).split())


@contextmanager
def showing_progress() -> Iterator[Progress]:
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
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield show
