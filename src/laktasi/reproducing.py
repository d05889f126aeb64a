"""An earlier analysis again: of what was known at a moment, with today's code and schemas; and is it the same?"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from laktasi import pipeline
from laktasi.errors import CheckError, LaktasiError, QuestionnaireError, StudyError, VerifyError, WarehouseError
from laktasi.paths import DataFolder
from laktasi.settings import Settings
from laktasi.study import read_study
from laktasi.workplace import alone, check_begun, opened

if TYPE_CHECKING:
    from laktasi.store.leaving.tombstones import Erased

VERIFYING = ".verifying"
"""Name of the folder in as-of/ in which a manifest is computed anew, by one process at a time."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment up to which something is known."""

    until: datetime
    day: date
    """By which people's decisions expire: the day as it was written."""
    name: str
    """Of its folder: the day, or day and time in UTC."""

    @property
    def told(self) -> str:
        """The moment in words."""
        return _told(self.until) + (" (the day is not over)" if self.until > datetime.now(UTC) else "")


class _Elsewhere(Settings):
    """The settings of a project, with a data folder that is derived from another one."""

    origin: Path

    @property
    def data_folder(self) -> DataFolder:
        return DataFolder(self.data, self.origin, self.key)


def moment_of(text: str) -> Moment:
    """Read a day (all of it, in UTC) or a time (in UTC, unless it has an offset).

    Raises
    ------
    LaktasiError
        It is neither, or lies ahead.
    """
    now = datetime.now(UTC)
    try:
        if len(text) <= len("2026-03-01"):
            day = date.fromisoformat(text)
            until = datetime.combine(day, time.max, UTC)
            moment = Moment(until, day, day.isoformat())
            if day == now.date():
                return moment  # the day is not over; what is known so far is known by its end
        else:
            given = datetime.fromisoformat(text)
            until = (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
            whole = until.isoformat(timespec="microseconds" if until.microsecond else "seconds")
            moment = Moment(until, given.date(), whole.replace(":", "").replace("+0000", "Z"))
    except (ValueError, OverflowError):
        raise LaktasiError(
            f"{text!r} is no day and no time",
            next_step="write a day, 2026-03-01, or a time with its offset, 2026-03-01T17:00+07:00",
        ) from None
    if until > now:
        raise LaktasiError(
            f"{text} lies ahead: nobody knows yet what will have come in by then",
            next_step="name a day that has been, or leave --as-of out for what is known now",
        )
    return moment


def analyse_as_of(settings: Settings, moment: Moment, *, progress: pipeline.Progress = pipeline.silent) -> pipeline.Run:
    """Analyse what was known at a moment, in a data folder of its own, by the ordinary steps.

    What a call that was killed left is finished by the next one; a call again changes nothing but its own run.

    Returns
    -------
    Run
        With the settings of that data folder: its research copy, report and manifest are whole.

    Raises
    ------
    WarehouseError
        Nothing had come in by then, or a run is at work here or there.
    LaktasiError
        As :func:`laktasi.pipeline.walk`.
    """
    there = _elsewhere(settings, settings.data_folder.as_of / moment.name)
    _bring(settings, there.data_folder, moment.until, progress)
    return pipeline.walk(there, pipeline.AGAIN, door="cli", progress=progress, day=moment.day, as_of=moment.until)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a manifest is what its data give now."""

    lines: tuple[str, ...]
    """Part by part: the same, or what differs; then what may explain it."""
    wrong: tuple[str, ...]
    """Names of the parts that are not the same."""
    without: tuple[str, ...] = ()
    """Names of the parts of which nobody can say, since people whose records they count have left the study."""


def verify(settings: Settings, path: Path, *, progress: pipeline.Progress = pipeline.silent) -> Verdict:
    """Compute a manifest anew from what had landed then, with the code that is installed now, and compare.

    Parameters
    ----------
    path
        The manifest. Its settings are used, with today's schemas.

    Raises
    ------
    VerifyError
        It cannot be read, is of another study, or what it says cannot be computed any more.
    WarehouseError
        A run is at work here, or there is no warehouse.
    """
    from laktasi.store.comparing import Comparison, compare
    from laktasi.store.comparing_centres import beside
    from laktasi.store.manifests import read_manifest, schema_files

    then = read_manifest(path)
    until, day, started_at = _watermark(path, then)
    study = read_study(settings.folders.study)
    if then.get("study") != (name := study.name if study else None):
        raise VerifyError(
            f"{path.name} is of the study {then.get('study')!r}, and this project is {name!r}",
            next_step="verify it in its own project: --project FOLDER",
        )
    used, notes = _settings_of(path, then, settings)
    held = DataFolder(settings.data_folder.as_of / VERIFYING)
    folder = DataFolder(held.root / "data", key=settings.data_folder.key)
    found: list[Comparison] = []
    altered: list[str] = []
    erased: list[Erased] = []

    def look_at_hashes(_run: pipeline.Run, _progress: pipeline.Progress) -> pipeline.Counts:
        with opened(folder) as con:
            altered.extend(_altered(con))
        return {}

    def compare_now(run: pipeline.Run, _progress: pipeline.Progress) -> pipeline.Counts:
        with opened(folder) as con:
            now = pipeline.manifest_of(con, run, like=then)
            form_id = study.form_id if study else None
            found.append(compare(then, now, beside(path, then, con, run.run_id), altered, erased[0], form_id))
        return {}

    steps = (
        pipeline.Step("look at hashes", look_at_hashes),
        *pipeline.RECOMPUTING,
        pipeline.Step("compare", compare_now),
    )
    try:
        with _held(settings.data_folder, held):
            erased.append(_bring(settings, folder, until, progress, (then["run_id"], started_at)))
            pipeline.walk(_elsewhere(used, folder.root), steps, door="cli", progress=progress, day=day, as_of=until)
    except Exception as error:
        if altered:
            # `from None`: an error of what reads payloads may quote them.
            raise VerifyError(
                f"{path.name} cannot be computed anew: {'; '.join(altered)}",
                why="Somebody changed the warehouse since.",
                next_step="put back a backup of the data folder, and verify again",
            ) from None
        if not isinstance(error, StudyError | CheckError | QuestionnaireError):
            raise
        now = schema_files(settings.folders.study.parent)
        changed = sorted(name for name in then["schemas"].keys() | now if then["schemas"].get(name) != now.get(name))
        raise VerifyError(
            f"{path.name} cannot be computed anew: {error.what}",
            why=f"Changed in schemas/ since that run: {', '.join(changed)}." if changed else error.why,
            next_step="take schemas/ as it was then, and verify again" if changed else error.next_step,
        ) from error
    (compared,) = found
    lines = [line for part in compared.parts for line in part.lines()]
    return Verdict((*lines, *compared.around, *notes), tuple(compared.wrong), tuple(compared.without))


def _watermark(path: Path, manifest: Mapping[str, Any]) -> tuple[datetime, date, datetime]:
    """Read up to when what had landed was known, by which day decisions expired, and when the run started."""
    try:
        until, day = datetime.fromisoformat(manifest["known"]["until"]), date.fromisoformat(manifest["known"]["day"])
        return until.astimezone(UTC), day, datetime.fromisoformat(manifest["started_at"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise VerifyError(
            f"{path.name} does not say up to when what had landed was known to its run",
            next_step="take another copy of it; manifests/ in the data folder has those of all runs",
        ) from None


def _settings_of(path: Path, manifest: Mapping[str, Any], settings: Settings) -> tuple[Settings, list[str]]:
    """Give the settings with those of the manifest, and say which of them are not today's."""
    from laktasi.store.manifests import SETTINGS

    notes, given = [], {}
    for name, value in manifest["settings"].items():
        if name not in SETTINGS or not _may_be(name, value):
            raise VerifyError(
                f"{path.name}: the setting {name!r} is not one that this code knows, or not of its limits",
                next_step="verify with the version of laktasi that wrote it, or a newer one",
            )
        given[name] = value
        if value != (today := getattr(settings, name)):
            notes.append(f"setting {name}: {value} then, {today} now; computed with {value}")
    return settings.model_copy(update=given), notes


def _may_be(name: str, value: Any) -> bool:
    """Say whether a setting can have a value, by its type and its limits."""
    from pydantic import TypeAdapter, ValidationError

    try:
        TypeAdapter(Annotated[int, Settings.model_fields[name]]).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def _altered(con: Any) -> Iterator[str]:
    from laktasi.store.as_of import altered

    for place, count in altered(con).items():
        yield f"{place}: {count} rows no longer hold what landed, by their own hash"


@contextmanager
def _held(origin: DataFolder, folder: DataFolder) -> Iterator[None]:
    """Hold a folder of a data folder for one process, as long as it works there; what is private does not lie about."""
    origin.check_own()
    check_begun(origin)
    DataFolder(origin.as_of).make()
    with alone(folder):
        _sweep(folder)  # what a killed process left
        try:
            yield
        finally:
            _sweep(folder)


def _sweep(folder: DataFolder) -> None:
    for left in folder.root.iterdir():
        if left.is_dir() and left != folder.scratch:
            shutil.rmtree(left)
        elif left.is_file() and left != folder.lock:
            left.unlink()


def _elsewhere(settings: Settings, folder: Path) -> Settings:
    given = {name: getattr(settings, name) for name in Settings.model_fields}
    return _Elsewhere.model_construct(**given | {"data": folder, "origin": settings.data_folder.shared})


def _bring(
    settings: Settings,
    folder: DataFolder,
    until: datetime,
    progress: pipeline.Progress,
    run: tuple[str, datetime] | None = None,
) -> Erased:
    """Bring what had landed by a moment into a data folder; the warehouse itself is held only for that long.

    Parameters
    ----------
    run
        Which run knew it, and when that started; without one, something must have landed by then.

    Returns
    -------
    Erased
        What that run knew as well, and is gone since people left the study.
    """
    from laktasi.store.as_of import bring_known, first_landed, has_submissions
    from laktasi.store.leaving.tombstones import Erased, erased_since

    origin = settings.data_folder
    origin.check_own()
    check_begun(origin)
    progress("bringing what was known", 0, None)
    with alone(origin), opened(origin) as con:
        if run is None and not has_submissions(con, until):
            first = first_landed(con)
            raise WarehouseError(
                f"nothing had come in by {_told(until)}",
                # To the second that is enough to name: it may have landed in the one that was asked for.
                why=f"The first submission landed by {_told(first + timedelta(seconds=1, microseconds=-1))}."
                if first
                else "No submission has landed here at all.",
                next_step=(
                    "name a later day: laktasi analyse --as-of DAY"
                    if first
                    else "laktasi import FOLDER, then laktasi run"
                ),
            )
        DataFolder(origin.as_of).make()
        with alone(folder):
            folder.mark_derived()  # before anything of it can be read
            bring_known(con, until, folder)
        return Erased() if run is None else erased_since(con, *run, until)


def _told(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
