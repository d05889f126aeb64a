"""A release: made beside its place, read back and held against its rule, then put in its place in one move."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi import __version__
from laktasi.errors import ReleaseError
from laktasi.pipeline import Progress, silent
from laktasi.settings import Settings

if TYPE_CHECKING:
    from laktasi.release.prepare import Prepared
    from laktasi.release.results import Results
    from laktasi.release.rule import Rule
    from laktasi.release.source import Source
    from laktasi.study import Study


@dataclass(frozen=True, slots=True)
class Released:
    """What :func:`release` made."""

    path: Path | None
    """The folder; None for a trial."""
    told: Mapping[str, Any]
    """What was done to the data, see :func:`laktasi.release.told.tell`."""
    report: str
    """The disclosure report."""
    withheld: Mapping[str, tuple[str, ...]]
    """Centres whose results do not go out, by question. Not in the release: for the team alone."""


@dataclass(frozen=True, slots=True)
class _Made:
    source: Source
    prepared: Prepared
    results: Results
    told: dict[str, Any]


def release(
    settings: Settings,
    *,
    to: Path | None = None,
    language: str | None = None,
    is_trial: bool = False,
    progress: Progress = silent,
) -> Released:
    """Write a release of the latest run by the rule in schemas/release.yml.

    Parameters
    ----------
    to
        Folder to be written; ``release`` in the data folder, if None.
    language
        Of labels and texts; that of the settings, if None.
    is_trial
        Write nothing, only say what would be done.

    Raises
    ------
    ReleaseError
        There is no rule or study, the rule cannot be followed, the folder is something else, or what was written
        breaks the rule. Then nothing is left of it, and what stood there before is as it was.
    """
    from laktasi.release.documents import disclosure_text, write_documents
    from laktasi.release.files import worded, write_data
    from laktasi.release.verify import verify
    from laktasi.secret import key_of
    from laktasi.store.warehouse import open_research

    study, rule = _declared(settings)
    target = (to or settings.data_folder.release).absolute()
    chosen = language or settings.language
    if not is_trial:
        _check_target(target)
    with open_research(settings.data_folder.research) as con:
        key = key_of(settings.data_folder)
        made = _make(con, study, rule, key, progress)
        title = worded(study.title, chosen, study.name)
        notice = worded(study.synthetic, chosen) if study.synthetic else ""
        released = Released(
            None if is_trial else target,
            made.told,
            disclosure_text(made.told, chosen, title=title, notice=notice),
            {
                f"{pair.exposure} × {pair.outcome}": tuple(sorted(codes))
                for pair, codes in made.prepared.places.withheld.items()
            },
        )
        if is_trial:
            return released
        with _beside(target) as folder:
            progress("writing the files", 0, None)
            cuts = write_data(folder, made.prepared, made.results.tables, title=title, notice=notice, language=chosen)
            write_documents(folder, made.source, made.prepared, made.told, cuts, language=chosen, version=__version__)
            progress("reading them back", 0, None)
            ids = made.source.submission_ids[made.prepared.order]
            whose = dict(zip(made.prepared.records, map(str, ids), strict=True))
            verify(folder, con, study, rule, whose=whose, key=key)
    return released


def _declared(settings: Settings) -> tuple[Study, Rule]:
    from laktasi.release.rule import read_rule
    from laktasi.study import read_study

    study, rule = read_study(settings.folders.study), read_rule(settings.folders.release)
    if study is None:
        raise ReleaseError(
            "this project has no schemas/study.yml, so nothing says whom a release is about",
            next_step="declare the study, see docs/data-managers.md",
        )
    if rule is None:
        raise ReleaseError(
            "this project has no schemas/release.yml, so nothing may go out",
            next_step="write the rule, see docs/release.md",
        )
    return study, rule


def _make(con: Any, study: Study, rule: Rule, key: bytes, progress: Progress) -> _Made:
    from laktasi.release.prepare import prepare
    from laktasi.release.results import choose_results
    from laktasi.release.source import read_source
    from laktasi.release.told import tell

    progress("reading the research copy", 0, None)
    source = read_source(con, study)
    progress("withholding what stands out", 0, None)
    prepared = prepare(source, rule, key)
    results = choose_results(source, prepared, rule)
    return _Made(source, prepared, results, tell(source, prepared, results, rule))


def _check_target(target: Path) -> None:
    """Refuse a folder that is something else than a release: its files would be gone."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not target.is_dir() or not is_release(target):
        raise ReleaseError(
            f"{target} is no release, and would be replaced",
            next_step="name another folder: --to FOLDER",
        )


def is_release(folder: Path) -> bool:
    """Say whether a folder was written by :func:`release`."""
    from laktasi.release.documents import MANIFEST, MARK

    try:
        return MARK in json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a new folder beside a place; it takes that place when all went well, and is gone when not.

    What stood there is moved away first, and put back if the new one cannot take its place.
    """
    _sweep(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.new-"))
    except OSError as error:
        raise ReleaseError(
            f"{target} cannot be made ({error.strerror})", next_step="check that the place is yours: --to FOLDER"
        ) from error
    try:
        yield new
        new.chmod(0o755)
        _swap(new, target)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _swap(new: Path, target: Path) -> None:
    old = target.with_name(f".{target.name}.old-{new.name.rpartition('-')[2]}")
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _sweep(target: Path) -> None:
    """Put back what a killed release had moved away, and remove what it had not finished."""
    left = _left(target, "old")
    if left and not target.exists():
        left[0].rename(target)
    for folder in (*_left(target, "old"), *_left(target, "new")):
        shutil.rmtree(folder, ignore_errors=True)


def _left(target: Path, kind: str) -> list[Path]:
    found: Iterable[Path] = target.parent.glob(f".{target.name}.{kind}-*") if target.parent.exists() else ()
    return sorted(found)
