"""How a project on Central becomes rows of the warehouse, and the proof that nothing is missing.

Two walks. :meth:`Mirror.pull` is cheap and follows what changed: the server's times say where to begin, with an
overlap, since a row may become visible after one that was stamped later. :meth:`Mirror.reconcile` proves: the server's
listing of ids is compared with the warehouse, what differs is read, and a line says what each side has. The clock of
this machine decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from laktasi.errors import SourceError
from laktasi.paths import DataFolder
from laktasi.records import ListedRow, ServerRow, Wanted
from laktasi.settings import CentralSettings

if TYPE_CHECKING:
    import duckdb

    from laktasi.odk.central import CentralForm
    from laktasi.odk.connection import Connection
    from laktasi.store.mirror import Line, Position

Progress = Callable[[str, int, int | None], None]
Counts = dict[str, Any]

OVERLAP = timedelta(minutes=10)
"""How long before the newest time seen a row may have been stamped that only now is visible."""
ROUNDS = 5
"""How often the listing is asked for again, while people work on the server."""
SWEEP = 100
"""Submissions whose files are looked at again in one run, where the server's log may not be read."""
POLL = 200
"""Submissions without all their files that are asked for by name; beyond that the whole table is cheaper."""
SUBMISSIONS, ENTITIES, EVENTS = "submissions", "entities", "attachment events"
"""Kinds of positions."""


@contextmanager
def mirroring(
    con: duckdb.DuckDBPyConnection,
    folder: DataFolder,
    central: CentralSettings,
    run_id: str,
    progress: Progress,
    told: Counts,
) -> Iterator[Mirror]:
    """Open one project on one Central beside the warehouse.

    Parameters
    ----------
    told
        Counts of what lands are added to it as they come, so that they are known where the server breaks off.

    Raises
    ------
    SourceError
        The server cannot be reached, refuses the account, or answers as no Central does.
    """
    from laktasi.odk.connection import connect

    with connect(central, folder.tokens) as connection:
        yield Mirror(connection, con, folder, central.forms, run_id, progress, told)


@dataclass(frozen=True, slots=True)
class Mirror:
    """One project on one Central, the warehouse, and the run that joins them."""

    connection: Connection
    con: duckdb.DuckDBPyConnection
    folder: DataFolder
    forms: tuple[str, ...]
    run_id: str
    progress: Progress
    told: Counts

    def pull(self) -> None:
        """Read what changed since the last time: forms, submissions with their files, entities.

        Idempotent. A position is saved only after everything up to it has landed.

        Raises
        ------
        SourceError
            The server broke off. What was read before stands, and is not read again.
        """
        from laktasi.odk import central, entities

        form_ids, _ = self._forms()
        self._begin_events(form_ids)
        for form_id in form_ids:
            self._pull_form(central.CentralForm(self.connection, form_id))
        for list_name in entities.lists_of(self.connection):
            position = self._position(ENTITIES, list_name)
            changed = entities.changed_entities(self.connection, list_name, _since(position))
            self._land(changed)
            times = [time for item in changed for time in (item.created_at, item.updated_at, item.deleted_at)]
            self._save(position, seen_until=_newest(times, position.seen_until))

    def _pull_form(self, form: CentralForm) -> None:
        from laktasi.store import mirror

        self._land(form.versions(*mirror.known_forms(self.con, self.connection.source)))
        position = self._position(SUBMISSIONS, form.form_id)
        rows = form.changed_since(_since(position))
        wanted = mirror.wanted(self.con, self.connection.source, form.form_id, rows)
        self._fetch(form, wanted)
        # What could not be read (gone in between, say) is asked for again: the position does not pass it.
        left = [_changed_at(item.row) for item in mirror.wanted(self.con, self.connection.source, form.form_id, rows)]
        until = min(left) if left else _newest(map(_changed_at, rows), position.seen_until)
        self._save(position, seen_until=until)

    def _forms(self) -> tuple[list[str], list[str]]:
        """Give the published forms that are wanted, and those that are wanted and not there.

        Raises
        ------
        SourceError
            Forms are named in the settings, and the server has none of them.
        """
        from laktasi.odk import central

        published = central.forms_of(self.connection, ())
        if self.forms and not {*self.forms} & {*published}:
            central.forms_of(self.connection, self.forms)  # says so
        wanted = self.forms or published
        return [name for name in wanted if name in published], [name for name in wanted if name not in published]

    def reconcile(self, *, thorough: bool = False) -> list[Line]:
        """Compare the server's listing with the warehouse, read what differs, and say what each side has.

        Parameters
        ----------
        thorough
            Believe no ETag, and look at the files of every submission again.

        Returns
        -------
        list of Line
            One for each form and entity list; also kept in ``meta.runs.reconciled``. One that is not true (something
            is missing or extra, and asking again did not mend it) is for the caller to shout about.
        """
        from laktasi.odk import central, entities
        from laktasi.store import mirror

        form_ids, absent = self._forms()
        forms = [central.CentralForm(self.connection, name) for name in form_ids]
        lines = []
        for number, form in enumerate(forms):
            self.progress(f"comparing with {self.connection.host}", number, len(forms))
            lines.append(self._reconcile_form(form, thorough=thorough))
        notes = self._look_at_files(forms, thorough=thorough)
        lines = [replace(line, note=notes[line.form_id]) for line in lines]
        lists = entities.lists_of(self.connection)
        lines += [self._reconcile_entities(name) for name in lists]
        lines += self._gone_lines(form_ids, absent, lists)
        mirror.write_lines(self.con, self.run_id, lines)
        return lines

    def _reconcile_form(self, form: CentralForm, *, thorough: bool) -> Line:
        from laktasi.store import mirror

        source, name = self.connection.source, form.form_id
        position = self._position(SUBMISSIONS, name)
        # An unchanged listing still has those who left the study: how many they are is told anew each time.
        etag = None if thorough or mirror.forgotten_ids(self.con, "submission", name) else position.etag
        line = None
        for _ in range(ROUNDS):
            # In this order: one that is restored in between stands in both, and is not taken for purged.
            deleted = form.deleted()
            listing = form.listing(etag)
            if listing is None:
                # Proven unchanged since it was equal; the count is a second opinion that costs nothing.
                purged = mirror.no_longer_deleted(self.con, source, name, deleted)
                self._land(mirror.purged_states(self.con, source, name, purged))
                line = mirror.line(self.con, source, name, None)
                if line.is_true and line.server == form.count():
                    return line
                etag = None
                continue
            self._mend(form, listing.rows, deleted)
            line = mirror.line(self.con, source, name, listing.rows)
            left = mirror.compare(self.con, source, name, listing.rows, deleted)
            # Only what is equal in everything may be passed over the next time.
            if line.is_true and not (left.unknown or left.changed or left.gone or left.purged):
                self._save(position, etag=listing.etag)
                return line
        assert line is not None
        self._save(position, etag=None)
        return line

    def _mend(self, form: CentralForm, listing: list[ListedRow], deleted: Mapping[str, datetime]) -> None:
        """Read what the comparison says is not as on the server."""
        from laktasi.store import mirror

        source, name = self.connection.source, form.form_id
        gap = mirror.compare(self.con, source, name, listing, deleted)
        rows = form.rows([*gap.unknown, *gap.changed, *gap.gone])
        self._fetch(form, mirror.wanted(self.con, source, name, rows, listing))
        found = {row.submission_id for row in rows}
        purged = [*gap.purged, *(submission_id for submission_id in gap.gone if submission_id not in found)]
        self._land(mirror.purged_states(self.con, source, name, purged))

    # Files leave no trace in the rows when they come late or are replaced.

    def _begin_events(self, form_ids: Iterable[str]) -> None:
        """Note where the server's log of files stands before anything of a form is read for the first time."""
        from laktasi.odk.central import latest_event
        from laktasi.store import mirror

        fresh = [
            position
            for position in (self._position(EVENTS, form_id) for form_id in form_ids)
            if position.seen_until is None and not mirror.has_states(self.con, self.connection.source, position.name)
        ]
        if fresh and (moment := latest_event(self.connection)):
            for position in fresh:
                self._save(position, seen_until=moment)

    def _look_at_files(self, forms: list[CentralForm], *, thorough: bool) -> dict[str, str]:
        """Find late, replaced and removed files; say for each form how up to date that is."""
        from laktasi.odk.central import attachment_events, latest_event
        from laktasi.store import mirror

        positions = {form.form_id: self._position(EVENTS, form.form_id) for form in forms}
        began = [position.seen_until for position in positions.values() if position.seen_until is not None]
        # Each is None where this account may not read the log; where it stands now matters to forms without a position.
        now = latest_event(self.connection) if len(began) < len(forms) else None
        events = attachment_events(self.connection, min(began) - OVERLAP) if began else None
        ids = sorted({event.instance_id for event in events or ()})
        notes = {}
        for form in forms:
            position = positions[form.form_id]
            if events is not None and position.seen_until is not None:
                self._fetch(form, mirror.files_of(self.con, self.connection.source, form.form_id, ids))
                newest = _newest([event.logged_at for event in events], position.seen_until)
                notes[form.form_id] = self._sweep(form) if thorough else "files: by the server's log"
            elif now is not None:
                # Landed while the log could not be read: once all are looked at, the log tells the rest.
                notes[form.form_id], newest = self._sweep(form), now
            else:
                self._poll_incomplete(form)
                notes[form.form_id], newest = self._sweep(form, everything=thorough), position.seen_until
            self._save(position, seen_until=newest)
        return notes

    def _poll_incomplete(self, form: CentralForm) -> None:
        from laktasi.store import mirror

        source, name = self.connection.source, form.form_id
        ids = mirror.incomplete(self.con, source, name)
        if ids:
            rows = form.rows(ids) if len(ids) <= POLL else form.changed_since(None)
            self._fetch(form, mirror.wanted(self.con, source, name, rows))

    def _sweep(self, form: CentralForm, *, everything: bool = True) -> str:
        """Look again at the files of all submissions, or of the next ones in turn; say how old the oldest look is."""
        from laktasi.store import mirror

        position = self._position(SUBMISSIONS, form.form_id)
        if everything:
            position = replace(position, swept_until=None, sweep_began_at=None)
        while True:
            batch = mirror.sweep(self.con, self.connection.source, form.form_id, position.swept_until, SWEEP)
            began = position.sweep_began_at or datetime.now(UTC)
            self._fetch(form, batch)
            if len(batch) < SWEEP:
                position = self._save(position, swept_until=None, sweep_began_at=None, swept_at=began)
                break
            position = self._save(position, swept_until=batch[-1].row.submission_id, sweep_began_at=began)
            if not everything:
                break
        if position.swept_at is None:
            return "files: first sweep under way"
        return f"files: swept {position.swept_at:%Y-%m-%d %H:%M} UTC"

    def _reconcile_entities(self, list_name: str) -> Line:
        from laktasi.odk import entities
        from laktasi.store import mirror

        source = self.connection.source
        line = None
        for _ in range(ROUNDS):
            live = entities.live_entities(self.connection, list_name)
            gap = mirror.compare_entities(self.con, source, list_name, live)
            if gap.changed or gap.gone:
                changed = entities.changed_entities(self.connection, list_name, None)
                self._land(changed)
                known = {item.entity_id for item in changed}
                self._land(mirror.purged_entities(self.con, source, list_name, set(gap.gone) - known))
            line = mirror.entity_line(self.con, source, list_name, live)
            if line.is_true:
                break
        assert line is not None
        return line

    def _gone_lines(self, forms: list[str], absent: list[str], lists: list[str]) -> list[Line]:
        """Say what is here of forms and entity lists that the server does not have, or no longer."""
        from laktasi.store import mirror

        source = self.connection.source
        # Of forms that the settings pass over nothing is asked, so nothing is said.
        known = [] if self.forms else mirror.mirrored_forms(self.con, source)
        gone_forms = sorted({*known, *absent} - {*forms})
        gone_lists = sorted({*mirror.mirrored_lists(self.con, source)} - {*lists})
        return [
            *(mirror.gone_line(self.con, source, name, SUBMISSIONS) for name in gone_forms),
            *(mirror.gone_line(self.con, source, name, ENTITIES) for name in gone_lists),
        ]

    def _fetch(self, form: CentralForm, wanted: list[Wanted]) -> None:
        """Read what is wanted of a form's submissions, and take it in."""
        self._land(form.fetch(wanted, self.progress))

    def _land(self, items: Iterable[Any]) -> None:
        """Take in what is read. Where the server breaks off, what came before is landed and counted all the same."""
        from laktasi.store.raw import land

        broken: list[SourceError] = []

        def until_it_breaks() -> Iterator[Any]:
            try:
                yield from items
            except SourceError as error:
                broken.append(error)

        landed = land(
            self.con,
            self.folder,
            until_it_breaks(),
            self.run_id,
            source=self.connection.source,
            progress=self.progress,
        )
        for name, value in asdict(landed).items():
            self.told[name] = self.told.get(name, type(value)()) + value
        if broken:
            raise broken[0]

    def _position(self, kind: str, name: str) -> Position:
        from laktasi.store import mirror

        return mirror.position(self.con, self.connection.source, kind, name)

    def _save(self, position: Position, **changed: Any) -> Position:
        from laktasi.store import mirror

        position = replace(position, **changed)
        mirror.save_position(self.con, position, self.run_id)
        return position


def _since(position: Position) -> datetime | None:
    return position.seen_until - OVERLAP if position.seen_until else None


def _changed_at(row: ServerRow) -> datetime:
    return max(time for time in (row.submitted_at, row.updated_at, row.deleted_at) if time is not None)


def _newest(times: Iterable[datetime | None], known: datetime | None) -> datetime | None:
    return max((time for time in (*times, known) if time is not None), default=None)
