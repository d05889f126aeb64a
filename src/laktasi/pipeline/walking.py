"""A run, its steps, and how they are walked: one after the other, in a data folder that nobody else works in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from laktasi import __version__
from laktasi.errors import WarehouseError
from laktasi.settings import Settings
from laktasi.workplace import PATIENCE_SECONDS, alone, code_version, opened

if TYPE_CHECKING:
    import duckdb

TURN_PATIENCE_SECONDS = 60 * 60
"""How long a run that has landed waits for another worker that computes on the same lake."""

Counts = Mapping[str, Any]
"""What a step has to tell: counts and ids, never an answer."""

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how many are done, and how many there are if that is known."""


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its id, who started it, the settings it works by, and what its steps had to tell so far."""

    run_id: str
    door: str
    """``cli``, ``prefect``, or ``import`` for a run that only lands."""
    settings: Settings
    told: dict[str, Counts] = field(default_factory=dict)
    """By name of the step."""
    unreached: dict[str, str] = field(default_factory=dict)
    """Sources that could not be reached, and why: a run without a network goes on with what has landed."""
    day: date = field(default_factory=date.today)
    """The day by which people's decisions expire."""
    as_of: datetime | None = None
    """The moment of which it knows no more than was known then; None for what is known now."""

    def warehouse(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Open the warehouse for one step."""
        return opened(self.settings.data_folder)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way."""

    name: str
    work: Callable[[Run, Progress], Counts]
    lands: bool = False
    """Whether it only appends to ``raw``, which workers that share a warehouse may do side by side."""


Call = Callable[[Step, Run, Progress], Counts]
"""How a step is called: directly, or as a Prefect task."""


def directly(step: Step, run: Run, progress: Progress) -> Counts:
    """Call a step as it is."""
    progress(step.name, 0, None)
    return step.work(run, progress)


def walk(
    settings: Settings,
    steps: Iterable[Step],
    *,
    door: str,
    call: Call = directly,
    progress: Progress = silent,
    patience_seconds: float = PATIENCE_SECONDS,
    **moment: Any,
) -> Run:
    """Walk some steps of the way as one run.

    Parameters
    ----------
    steps
        `WAY`, or one of its parts.
    door
        Who walks: written to meta.runs.
    call
        How a step is called.
    patience_seconds
        How long to wait for a run that is at work in the same data folder.
    moment
        `day` and `as_of` of the :class:`Run`, where it is not about what is known now.

    Returns
    -------
    Run
        What the steps had to tell.

    Raises
    ------
    LaktasiError
        Something a user can mend. What had been committed stays, and the next run goes on from there.
    """
    from laktasi.store import runs

    settings.data_folder.check_own()
    with alone(settings.data_folder, patience_seconds) as hold:
        with opened(settings.data_folder) as con:
            run_id = runs.begin(con, door, laktasi_version=__version__, code_version=code_version(), hold=hold)
        run = Run(run_id, door, settings, **moment)
        try:
            for step in steps:
                if step.lands:
                    hold.give()
                else:
                    hold.take(TURN_PATIENCE_SECONDS)
                run.told[step.name] = call(step, run, progress)
        except BaseException:
            # What failed is told, not that it could not be written down (the disk is full, say): the next run marks
            # a run that still stands as running as interrupted.
            with suppress(WarehouseError, OSError), opened(settings.data_folder) as con:
                runs.fail(con, run_id)
            raise
    return run
