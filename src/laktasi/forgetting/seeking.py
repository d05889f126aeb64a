"""Finding what is hers, and saying what will be erased and what cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from laktasi.back_checks import read_back_checks
from laktasi.errors import StudyError
from laktasi.secret import key_of
from laktasi.settings import Settings
from laktasi.study import read_study
from laktasi.workplace import alone, check_begun, opened

if TYPE_CHECKING:
    import duckdb

    from laktasi.quality.decisions import Decision
    from laktasi.quality.taking_out import Lines
    from laktasi.store.leaving.erasing import Hers
    from laktasi.store.leaving.subjects import IsHers, SubjectPlaces


@dataclass(frozen=True, slots=True)
class Record:
    """A record of hers, by what tells it from others without an answer that identifies her."""

    form_id: str
    submission_id: str
    versions: int
    state: str
    """As in staging.submissions."""
    centre: str | None
    day: date | None


@dataclass(frozen=True, slots=True)
class OnCentral:
    """A record of hers that a Central has, live or deleted and not purged."""

    source: str
    form_id: str
    submission_id: str
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What is hers, before anything is erased."""

    subject_hash: str
    hers: Hers
    records: tuple[Record, ...]
    others: tuple[tuple[str, str], ...]
    """Records that named her once and name somebody else now: they stay."""
    attachments: int
    """Files that came with her records, and with no others."""
    on_centrals: tuple[OnCentral, ...]
    lines: tuple[Lines, ...]
    """Decisions about her in schemas/corrections/."""
    media: tuple[tuple[str, str], ...]
    """Form and file of lists that forms carry in which she stands: they are taken out of where they come from."""
    as_of: tuple[str, ...]
    """Folders of earlier days: all of them go."""
    forgotten_at: datetime | None
    """When she was forgotten before, if she was."""
    is_unfinished: bool
    """A forgetting was broken off, of whomever."""
    has_lost_key: bool
    """Whoever left before can no longer be known by a study code: the key was gone, and another one was made."""

    @property
    def same_as(self) -> tuple[Any, ...]:
        """What must be the same when it is erased as when somebody agreed to it."""
        return self.hers, self.records, self.lines


def find(settings: Settings, code: str) -> Found:
    """Find everything of the person with a study code.

    Raises
    ------
    StudyError
        study.yml does not say which question asks for the study code.
    WarehouseError
        A run is at work, there is no warehouse, or the project's key cannot be read.
    CheckError
        A file in schemas/corrections/ cannot be read.
    """
    settings.data_folder.check_own()
    check_begun(settings.data_folder)
    with alone(settings.data_folder), opened(settings.data_folder) as con:
        return find_in(con, settings, code)


def find_in(con: duckdb.DuckDBPyConnection, settings: Settings, code: str) -> Found:
    """Find it in a warehouse that is open, and write down where forms ask for the study code."""
    from laktasi.store.leaving.erasing import is_unfinished
    from laktasi.store.leaving.seeking import media_naming
    from laktasi.store.leaving.subjects import hash_of, keep_places, normalised
    from laktasi.store.sql import scalar

    places = places_in(con, settings)
    if not places:
        raise StudyError(
            "study.yml does not say which question asks for a respondent's study code",
            why="Without it nobody can tell which records are of one person.",
            next_step="name the question under roles, as in subject: mother/study_code",
        )
    has_lost_key = bool(scalar(con, "select exists(from raw.forgotten)")) and not settings.data_folder.secret.exists()
    key = key_of(settings.data_folder)
    subject_hash = hash_of(key, code)
    wanted = normalised(code)
    keep_places(con, places)

    def is_hers(text: str) -> bool:
        return normalised(text) == wanted

    hers, others = _hers(con, settings, places, is_hers)
    return Found(
        subject_hash,
        hers,
        tuple(_records(con, hers)),
        others,
        _attachments(con, hers),
        tuple(on_centrals(con, hers)),
        tuple(_lines(settings, hers, con)),
        tuple(media_naming(con, is_hers)),
        as_of_folders(settings),
        scalar(con, "select max(landed_at) from raw.forgotten where subject_hash = ?", [subject_hash]),
        is_unfinished(con),
        has_lost_key,
    )


def places_in(con: duckdb.DuckDBPyConnection, settings: Settings) -> SubjectPlaces:
    """Say where the forms that are known here ask for the study code."""
    from laktasi.desk.known import questionnaires_of
    from laktasi.store.leaving.subjects import subject_places

    study = read_study(settings.folders.study)
    return subject_places(study, questionnaires_of(con), read_back_checks(settings.folders.back_checks))


def about(con: duckdb.DuckDBPyConnection, hers: Hers | None = None) -> Callable[[Decision], bool]:
    """Give what says whether a decision is about somebody who is forgotten, or is to be."""
    from laktasi.store.leaving.tombstones import forgotten_decisions, forgotten_records

    records, decisions = forgotten_records(con), forgotten_decisions(con)
    if hers is not None:
        records |= {(form_id, name) for (form_id, _), ids in hers.submissions.items() for name in ids}
        decisions |= {*hers.decisions}

    def is_theirs(decision: Decision) -> bool:
        return decision.id in decisions or (decision.form, decision.submission) in records

    return is_theirs


def as_of_folders(settings: Settings) -> tuple[str, ...]:
    """Give the names of the folders of earlier days."""
    root = settings.data_folder.as_of
    return tuple(sorted(path.name for path in root.iterdir() if path.is_dir())) if root.is_dir() else ()


def _hers(
    con: duckdb.DuckDBPyConnection, settings: Settings, places: SubjectPlaces, is_hers: IsHers
) -> tuple[Hers, tuple[tuple[str, str], ...]]:
    from laktasi.desk.known import questionnaires_of
    from laktasi.store.leaving.erasing import Hers
    from laktasi.store.leaving.seeking import decisions_about, entities_of, refused_of
    from laktasi.store.leaving.subjects import find_records

    found = find_records(con, questionnaires_of(con), places, is_hers)
    names = {path.rpartition("/")[2] for paths in places.values() for path in paths}
    ids = {name for ids in found.hers.values() for name in ids}
    return (
        Hers(
            found.hers,
            tuple(entities_of(con, names, is_hers)),
            tuple(decisions_about(con, found.hers)),
            tuple(refused_of(con, settings.data_folder, names, ids, is_hers)),
        ),
        found.others,
    )


def _records(con: duckdb.DuckDBPyConnection, hers: Hers) -> list[Record]:
    known = {
        (form_id, submission_id): (state, centre, day)
        for form_id, submission_id, state, centre, day in con.execute(
            """
            select form_id, submission_id, state, centre_code, day
            from staging.submissions left join marts.interviews using (form_id, submission_id)
            where (form_id, submission_id) in (select (unnest($forms), unnest($ids)))
            """,
            {"forms": [form_id for form_id, _ in hers.submissions], "ids": [name for _, name in hers.submissions]},
        ).fetchall()
    }
    return [
        Record(*record, _versions(con, record[0], ids), *known.get(record, ("landed", None, None)))
        for record, ids in sorted(hers.submissions.items())
    ]


def _versions(con: duckdb.DuckDBPyConnection, form_id: str, ids: Sequence[str]) -> int:
    from laktasi.store.sql import scalar

    count: int = scalar(
        con,
        "select count(distinct (instance_id, payload_sha256)) from raw.submissions"
        " where form_id = ? and instance_id in (select unnest(?))",
        [form_id, list(ids)],
    )
    return count


def _attachments(con: duckdb.DuckDBPyConnection, hers: Hers) -> int:
    from laktasi.store.sql import scalar

    pairs = [(form_id, name) for (form_id, _), ids in hers.submissions.items() for name in ids]
    count: int = scalar(
        con,
        """
        with hers as (select unnest(?) as form_id, unnest(?) as instance_id)
        select count(*) from (
            select sha256 from raw.attachments left join hers using (form_id, instance_id)
            where sha256 is not null
            group by sha256 having bool_and(hers.form_id is not null)
        )
        """,
        [[form_id for form_id, _ in pairs], [name for _, name in pairs]],
    )
    return count


def on_centrals(con: duckdb.DuckDBPyConnection, hers: Hers) -> list[OnCentral]:
    """Say which of her records a Central still has, for all that is known."""
    pairs = [(form_id, name) for (form_id, _), ids in hers.submissions.items() for name in ids]
    found = con.execute(
        """
        with hers as (select unnest($forms) as form_id, unnest($ids) as submission_id)
        select source, form_id, submission_id, deleted_at is not null
        from raw.latest_submission_states semi join hers using (form_id, submission_id)
        where not is_purged
        order by all
        """,
        {"forms": [form_id for form_id, _ in pairs], "ids": [name for _, name in pairs]},
    ).fetchall()
    return [OnCentral(*row) for row in found]


def _lines(settings: Settings, hers: Hers, con: duckdb.DuckDBPyConnection) -> list[Lines]:
    from laktasi.quality.taking_out import find_lines

    return find_lines(settings.folders.corrections, about(con, hers))
