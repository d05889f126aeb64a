"""Forgetting somebody: found again, erased with a tombstone, files after it, and what is published made anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi import __version__, pipeline
from laktasi.errors import LaktasiError, WarehouseError
from laktasi.forgetting.finishing import check_finishable, finish, is_left
from laktasi.forgetting.seeking import Found, about, find_in
from laktasi.forgetting.telling import write_record
from laktasi.settings import Settings
from laktasi.workplace import alone, check_begun, code_version, opened

if TYPE_CHECKING:
    import duckdb

    from laktasi.report.erasure import Erasure
    from laktasi.store.leaving.erasing import Hers


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was erased, and what is left of it."""

    erasure: Erasure | None
    """What the record for the ethics file says; None where only an earlier one was finished."""
    record: Path | None
    notes: tuple[str, ...]
    """What could not be done with files, and is done later."""
    unpublished: LaktasiError | None
    """Why what people read could not be made anew; then her rows are taken out of it, and results are as they were."""


def forget(
    settings: Settings,
    code: str,
    agreed: Found,
    *,
    why: str,
    erased_by: str,
    also_future: bool = False,
    progress: pipeline.Progress = pipeline.silent,
) -> Forgotten:
    """Erase what is hers and keep it away; killed anywhere, called again it goes on.

    Parameters
    ----------
    agreed
        Of :func:`find`: what somebody has agreed to.
    why
        ``withdrew``, ``no_consent`` or ``ordered``.
    also_future
        Leave a tombstone though nothing of hers is here: whatever comes is turned away.

    Raises
    ------
    WarehouseError
        Nothing here is hers (and not `also_future`), what is hers is no longer what was agreed to, a run or backup is
        at work, or a file cannot be removed.
    CheckError
        Decisions about her stand in a file so that they cannot be taken out of it: says in which lines.
    """
    from laktasi.store import runs
    from laktasi.store.leaving.erasing import forget as erase
    from laktasi.store.leaving.tombstones import Person

    folder = settings.data_folder
    folder.check_own()
    check_begun(folder)
    check_finishable(folder)
    with alone(folder) as hold:
        with opened(folder) as con:
            found = find_in(con, settings, code)
            if found.same_as != agreed.same_as:
                raise WarehouseError(
                    "what is here of this person is not what it was when you agreed",
                    why="A run has taken in or corrected records meanwhile. Nothing was erased.",
                    next_step="look at it again: run the same command",
                )
            if not found.hers and found.forgotten_at is None and not also_future:
                raise nobody()
            _take_out_decisions(con, settings, found.hers, is_trial=True)
            run_id = runs.begin(con, "cli", laktasi_version=__version__, code_version=code_version(), hold=hold)
            if found.hers or found.forgotten_at is None:
                erase(con, Person(found.subject_hash, why, run_id, erased_by), found.hers)
            _take_out_decisions(con, settings)
            runs.finish(con, run_id, {}, {})
        notes = finish(settings, progress, is_last=False)
        with opened(folder) as con:
            erasure, record = write_record(con, settings, found.subject_hash)
    return Forgotten(erasure, record, notes, _make_anew(settings, progress))


def finish_all(settings: Settings, *, progress: pipeline.Progress = pipeline.silent) -> Forgotten | None:
    """Finish what is left of earlier forgettings, decisions in schemas/corrections/ among it; None if nothing is."""
    folder = settings.data_folder
    folder.check_own()
    check_begun(folder)
    with alone(folder):
        with opened(folder) as con:
            taken_out = _take_out_decisions(con, settings)
            if not taken_out and not is_left(con, folder):
                return None
        notes = finish(settings, progress, is_last=False)
    return Forgotten(None, None, notes, _make_anew(settings, progress))


def nobody() -> WarehouseError:
    """Make the error of a study code that no record has."""
    return WarehouseError(
        "no record here has this study code, and nobody with it has been forgotten",
        why="Small and great letters and spaces do not matter. A record whose code was mistyped has another one.",
        next_step='check the code on her consent form; laktasi sql "from marts.submissions" lists what is here. If'
        " nothing of hers has come in yet and nothing may: --also-future",
    )


def _make_anew(settings: Settings, progress: pipeline.Progress) -> LaktasiError | None:
    """Make all that is derived anew, publish it, and write the warehouse anew; give what kept it from being published.

    Where nothing had been published, nothing is.
    """
    from laktasi.store.warehouse import newest_research

    folder = settings.data_folder
    is_published = newest_research(folder.research).exists()
    steps = pipeline.ANALYSING if is_published else (*pipeline.WORK, pipeline.CLOSE)
    failure: LaktasiError | None = None
    try:
        pipeline.walk(settings, steps, door="cli", progress=progress)
    except LaktasiError as error:
        failure = error if is_published else None
        if is_published:
            pipeline.write_report(settings)  # from the copy that she has been taken out of
    with alone(folder):
        with opened(folder) as con:
            is_unfinished = is_left(con, folder)
        if is_unfinished:
            finish(settings, progress)
    return failure


def _take_out_decisions(
    con: duckdb.DuckDBPyConnection, settings: Settings, hers: Hers | None = None, *, is_trial: bool = False
) -> tuple[str, ...]:
    from laktasi.quality.taking_out import take_out

    return take_out(settings.folders.corrections, about(con, hers), is_trial=is_trial)
