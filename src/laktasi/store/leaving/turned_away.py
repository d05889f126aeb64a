"""What doors bring of people who left the study: recognised by tombstones, and turned away.

Known by the ids of a chain of edits, by a link to one of them, or by the study code. Nothing of it is kept, not even
among what was refused; ids that were not known are added to the tombstones, so that they are known the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import duckdb

from laktasi.paths import DataFolder
from laktasi.records import Attachments, Entity, Refused, Submission, SubmissionState, SubmissionVersion
from laktasi.secret import known_key
from laktasi.store.leaving.subjects import code_in, hash_of, known_places, texts_in
from laktasi.store.leaving.tombstones import Person, bury
from laktasi.store.shelf import UnreadableError, open_plain

MAX_BYTES = 32 * 2**20
"""Of a refused file, so much is searched for her ids and her study code: twice what a submission may have."""

_IDS = ("instanceID", "deprecatedID")
_PLACES = {"submission": "raw.submissions", "entity": "raw.entities"}


def forgotten_ids(con: duckdb.DuckDBPyConnection, kind: str, form_id: str) -> set[str]:
    """Give the ids in tombstones of a form's submissions (``submission``) or a list's entities (``entity``)."""
    found = con.execute(
        "select distinct unnest(ids) from raw.forgotten where kind = ? and form_id = ?", [kind, form_id]
    ).fetchall()
    return {name for (name,) in found}


def hashes(con: duckdb.DuckDBPyConnection, folder: DataFolder) -> tuple[set[str], bytes | None]:
    """Give the keyed hashes of the study codes of all who are forgotten, and the key.

    Where the key is lost it is None, and people who left are known by the ids of their records alone.

    Raises
    ------
    WarehouseError
        The file of the key cannot be read.
    """
    found = {name for (name,) in con.execute("select distinct subject_hash from raw.forgotten").fetchall()}
    return found, known_key(folder) if found else None


class Gate:
    """Says of what a door brings whether it is to be turned away.

    Parameters
    ----------
    con, folder
        The private warehouse, and its data folder.
    run_id
        The run that takes in.
    source
        Where refused files come from: they do not say so themselves.

    Raises
    ------
    WarehouseError
        As :func:`hashes`.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, folder: DataFolder, run_id: str, source: str) -> None:
        self.turned_away = 0
        """Versions of submissions, so far."""
        self._con = con
        self._run_id = run_id
        self._source = source
        self._hashes, self._key = hashes(con, folder)
        self.is_open = not self._hashes
        """Nobody has been forgotten: everything may pass."""
        self._places = known_places(con) if self._hashes else {}
        self._names = {path.rpartition("/")[2] for paths in self._places.values() for path in paths}
        self._ids = self._known("submission")
        self._entities = self._known("entity")
        self._all_ids = {name for _, name in self._ids}
        self._new: list[tuple[str, str, str, tuple[str, ...], str]] = []
        self._folders: set[str] = set()

    def _known(self, kind: str) -> dict[tuple[str, str], str]:
        """Give whose each id is, by form or list and id."""
        if self.is_open:
            return {}
        found = self._con.execute(
            "select form_id, unnest(ids), subject_hash from raw.forgotten where kind = ?", [kind]
        ).fetchall()
        return {(form_id, name): subject_hash for form_id, name, subject_hash in found}

    def passes(self, item: Any) -> bool:
        """Say whether an item may be taken in."""
        if self.is_open:
            return True
        match item:
            case Submission():
                is_hers = self._is_hers(item)
                self.turned_away += is_hers
            case SubmissionVersion() | SubmissionState():
                is_hers = self._is_named(item.source, item.form_id, item.submission_id, item.instance_id)
            case Attachments():
                is_hers = self._is_named(item.source, item.form_id, item.instance_id)
            case Refused():
                is_hers = self._is_refused(item)
            case Entity():
                is_hers = self._is_entity(item)
            case _:
                is_hers = False
        return not is_hers

    def keeps(self, row: Mapping[str, Any]) -> bool:
        """Say whether a row of the batch may land, now that all of the batch is known."""
        ids = (row.get("submission_id"), row.get("instance_id"))
        return self.is_open or not any((row.get("form_id"), name) in self._ids for name in ids if name)

    def settle(self) -> bool:
        """Write tombstones for ids that were not known before, in the caller's transaction; say if there were any."""
        new, self._new = self._new, []
        for kind, form_id, subject_hash, ids, source in new:
            # Nothing was erased, and where it came from is worth knowing: there she still is.
            came = {"place": _PLACES[kind], "source": source, "landed_at": datetime.now(UTC), "n": 0}
            bury(self._con, Person(subject_hash, "came_again", self._run_id), [(kind, form_id, ids, [came])])
        return bool(new)

    def _is_hers(self, item: Submission) -> bool:
        if self._is_named(item.source, item.form_id, item.instance_id, item.deprecated_id):
            return True
        subject_hash = self._whose(code_in(item.payload, self._places.get(item.form_id, ())))
        if subject_hash is None:
            return False
        ids = tuple(filter(None, (item.instance_id, item.deprecated_id)))
        # An edit of a record that is here and has not been erased: a correction may say that it is somebody else's, so
        # whose it is is settled after corrections.
        if self._con.execute(
            "select 1 from raw.submissions where form_id = ? and instance_id in (select unnest(?)) limit 1",
            [item.form_id, list(ids)],
        ).fetchone():
            return False
        self._add(item.source, item.form_id, subject_hash, ids)
        return True

    def _is_named(self, source: str, form_id: str, *names: str | None) -> bool:
        """Say whether one of these ids is known; then all of them are from now on."""
        ids = tuple(dict.fromkeys(name for name in names if name))
        whose = next((self._ids[form_id, name] for name in ids if (form_id, name) in self._ids), None)
        if whose is None:
            return False
        self._add(source, form_id, whose, tuple(name for name in ids if (form_id, name) not in self._ids))
        return True

    def _add(self, source: str, form_id: str, subject_hash: str, ids: tuple[str, ...]) -> None:
        if ids:
            self._ids |= {(form_id, name): subject_hash for name in ids}
            self._all_ids |= {*ids}
            self._new.append(("submission", form_id, subject_hash, ids, source))

    def _is_refused(self, item: Refused) -> bool:
        if item.form_id is not None and self._is_named(self._source, item.form_id, item.instance_id):
            return True
        folder = str(PurePosixPath(item.name).parent)
        if folder in self._folders:
            return True
        try:
            with open_plain(item.path) as file:
                content = file.read(MAX_BYTES)
        except UnreadableError:
            return False  # only its name would be kept
        if not is_about(content, self._all_ids, self._names, self._is_code):
            return False
        if is_of_one(item.name):
            self._folders.add(folder)  # the other files in it are told after its XML
        return True

    def _whose(self, code: str | None) -> str | None:
        """Give the hash of a study code, if it is that of somebody who is forgotten."""
        if code is None or self._key is None:
            return None
        subject_hash = hash_of(self._key, code)
        return subject_hash if subject_hash in self._hashes else None

    def _is_code(self, text: str) -> bool:
        return self._whose(text) is not None

    def _is_entity(self, item: Entity) -> bool:
        at = (item.list_name, item.entity_id)
        if at in self._entities:
            return True
        texts = entity_codes(item.label, item.properties, self._names)
        subject_hash = next((name for text in texts if (name := self._whose(text))), None)
        if subject_hash is None:
            return False
        self._entities[at] = subject_hash
        self._new.append(("entity", item.list_name, subject_hash, (item.entity_id,), item.source))
        return True


def is_about(content: bytes, ids: Collection[str], names: Collection[str], is_code: Callable[[str], bool]) -> bool:
    """Say whether a file, torn perhaps, names one of some ids, or a study code where a form asks for it.

    Parameters
    ----------
    names
        Of the questions that ask for it.
    is_code
        Says whether a text is a study code that is looked for.
    """
    return any(
        (name in _IDS and text.strip() in ids) or (name in names and text.strip() and is_code(text))
        for name, text in texts_in(content)
    )


def is_of_one(name: str) -> bool:
    """Say whether the folder of a refused file is that of one submission, so that all in it are of one person."""
    parts = PurePosixPath(name).parts
    return len(parts) > 1 and parts[-2].lower() != "instances" and parts[-1].lower().endswith(".xml")


def entity_codes(label: str | None, properties: Mapping[str, str | None] | None, names: Iterable[str]) -> Iterable[str]:
    """Give what may be a study code in an entity: its label, and properties that are called as the question is."""
    return filter(None, (label, *((properties or {}).get(name) for name in names)))
