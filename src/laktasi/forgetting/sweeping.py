"""What every run does about people who left: nothing, unless something of theirs came back or was left to be done."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from laktasi.errors import WarehouseError
from laktasi.forgetting.finishing import Progress, finish, is_left
from laktasi.forgetting.seeking import places_in
from laktasi.settings import Settings
from laktasi.workplace import opened

if TYPE_CHECKING:
    import duckdb


def sweep(con: duckdb.DuckDBPyConnection, settings: Settings, run_id: str) -> dict[str, int | bool]:
    """Erase staged records that name somebody who left, as they stand corrected now.

    Doors turn away what they recognise. What they cannot see is found here: a correction or an edit that gives a record
    such a study code, a form that they did not know to ask for it.

    Returns
    -------
    dict
        ``forgotten_again``: how many records that were; empty where nobody has left. ``lost_key``: the key that study
        codes are hashed with is gone, so that nobody who left can be known by hers.
    """
    from laktasi.desk.known import key_for, questionnaires_of
    from laktasi.store.leaving.erasing import Hers, forget
    from laktasi.store.leaving.seeking import decisions_about
    from laktasi.store.leaving.subjects import find_staged, hash_of, ids_of, keep_places
    from laktasi.store.leaving.tombstones import Person
    from laktasi.store.leaving.turned_away import hashes

    known, key = hashes(con, settings.data_folder)
    if not known:
        if not settings.data_folder.secret.exists() and places_in(con, settings):
            # Before anybody leaves, so that backups of before have it as well: put back, they know her by it.
            with suppress(WarehouseError):
                key_for(con, settings)
        return {}
    if key is None:
        return {"lost_key": True}
    places = places_in(con, settings)
    keep_places(con, places)
    whose: dict[str, str] = {}

    def is_known(text: str) -> bool:
        whose[text] = hash_of(key, text)
        return whose[text] in known

    found = find_staged(con, questionnaires_of(con), places, is_known)
    for record, subject_hash in found.items():
        hers = ids_of(con, [record])
        person = Person(whose[subject_hash], "came_again", run_id)
        forget(con, person, Hers(hers, (), tuple(decisions_about(con, hers))))
    return {"forgotten_again": len(found)}


def finish_left(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Finish what a forgetting that was broken off has left to be done with files; a run holds the data folder.

    Returns
    -------
    dict
        ``forgetting``: ``finished``, or why it has to wait; empty where nothing is left.
    """
    folder = settings.data_folder
    with opened(folder) as con:
        if not is_left(con, folder):
            return {}
    try:
        finish(settings, progress)
    except WarehouseError as error:
        return {"forgetting": error.what}
    return {"forgetting": "finished"}
