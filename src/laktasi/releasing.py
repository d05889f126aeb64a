"""A release: made beside its place, read back and held against its rule, then put in its place in one move."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi import __version__
from laktasi.errors import ReleaseError
from laktasi.pipeline import Progress, silent
from laktasi.settings import Settings

if TYPE_CHECKING:
    from laktasi.questionnaire.model import Questionnaire
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
        There is no rule or study, the project was edited since the latest run, the rule cannot be followed, the
        folder holds something else or cannot be written, or what was written breaks the rule. Then nothing is left of
        it, and what stood there before is as it was.
    WarehouseError
        There is no research copy, or the project's key is lost.
    """
    from laktasi.release.documents import disclosure_text, write_documents
    from laktasi.release.files import worded, write_data
    from laktasi.release.fresh import check_fresh
    from laktasi.release.target import beside, check_replaceable, place_of
    from laktasi.release.verify import verify
    from laktasi.store.warehouse import open_research

    if not is_trial:
        settings.data_folder.check_own()
    study, rule = _declared(settings)
    target = place_of(to or settings.data_folder.release)
    chosen = language or settings.language
    if not is_trial:
        check_replaceable(target)
    with open_research(settings.data_folder.research) as con:
        check_fresh(con, settings.folders, study.form_id)
        versions, key = _private(settings, study, None if is_trial else target)
        made = _make(con, study, versions, rule, key, progress)
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
        with beside(target) as folder:
            progress("writing the files", 0, None)
            with _writing(target):
                tables = made.results.tables
                cuts = write_data(folder, made.prepared, tables, title=title, notice=notice, language=chosen)
                write_documents(
                    folder, made.source, made.prepared, made.told, cuts, language=chosen, version=__version__
                )
            progress("reading them back", 0, None)
            ids = made.source.submission_ids[made.prepared.order]
            whose = dict(zip(made.prepared.records, map(str, ids), strict=True))
            verify(folder, con, study, rule, whose=whose, key=key, versions=versions)
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


def _private(settings: Settings, study: Study, target: Path | None) -> tuple[list[Questionnaire], bytes]:
    """Read what the warehouse alone has: all versions of the study's form (who was asked what), and the key.

    Without a target the key is the one that there is, or one that is thrown away.
    """
    from laktasi.desk.known import key_for, questionnaires_of
    from laktasi.secret import known_key
    from laktasi.store.forms import versions_of
    from laktasi.workplace import alone, check_begun, opened

    check_begun(settings.data_folder)
    if target is not None:
        _check_key(settings, target)
    with alone(settings.data_folder), opened(settings.data_folder) as con:
        versions = versions_of(questionnaires_of(con), study.form_id)
        if target is not None:
            return versions, key_for(con, settings)
        return versions, known_key(settings.data_folder) or secrets.token_bytes(32)


def _make(
    con: Any, study: Study, versions: Sequence[Questionnaire], rule: Rule, key: bytes, progress: Progress
) -> _Made:
    from laktasi.release.prepare import prepare
    from laktasi.release.results import choose_results
    from laktasi.release.source import read_source
    from laktasi.release.told import tell

    progress("reading the research copy", 0, None)
    source = read_source(con, study, versions)
    progress("withholding what stands out", 0, None)
    prepared = prepare(source, rule, key)
    results = choose_results(source, prepared, rule)
    return _Made(source, prepared, results, tell(source, prepared, results, rule))


def _check_key(settings: Settings, target: Path) -> None:
    """Refuse to make a new key where an earlier release was made with one."""
    from laktasi.release.target import is_release

    if is_release(target) and not settings.data_folder.secret.exists():
        raise ReleaseError(
            f"secret.key is not in the data folder, and the release in {target} was made with one",
            why="Another key moves the same dates again, by other days: two such releases together tell the true ones.",
            next_step="put secret.key back from a backup, or withdraw that release and remove its folder",
        )


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Say in one way that files cannot be written: a full disk has a different error in each library."""
    import duckdb
    import pyreadstat

    try:
        yield
    except (OSError, duckdb.IOException, duckdb.TransactionException, duckdb.FatalException) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise _unwritten(target, reason or str(error).partition("\n")[0]) from error
    except pyreadstat.ReadstatError as error:
        raise _unwritten(target, str(error)) from error


def _unwritten(target: Path, reason: str) -> ReleaseError:
    return ReleaseError(
        f"the release cannot be written to {target} ({reason})",
        why="Nothing was written: what stood there before is as it was.",
        next_step="see that the disk has room and that the place is yours: --to FOLDER; if so, report this as a fault"
        " of laktasi",
    )
