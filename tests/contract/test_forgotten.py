"""Whoever left the study and is on Central still: turned away, counted by themselves, and not missing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from laktasi.secret import key_of
from laktasi.store.leaving.erasing import Hers, erase, forget
from laktasi.store.leaving.subjects import hash_of, ids_of, keep_places
from laktasi.store.leaving.tombstones import Person
from laktasi.store.lines import Line
from laktasi.store.sql import transaction
from tests.central import Acts
from tests.contract.walk import Central
from tests.contract.warehouse import FORM_ID, Mirrored, make_settings, mirrored, publish, xml

pytestmark = pytest.mark.slow

CODE = "K0001"


@pytest.fixture
def acts(empty_central: Central, template: Path, tmp_path: Path) -> Acts:
    publish(empty_central.acts, template, tmp_path)
    return empty_central.acts


@pytest.fixture
def here(acts: Acts, tmp_path: Path) -> Iterator[Mirrored]:
    with mirrored(make_settings(acts, tmp_path)) as here:
        for number in range(3):
            acts.submit(xml(number, f"uuid:{number}"))
        acts.edit(FORM_ID, "uuid:1", xml(1, "uuid:1b", deprecated_id="uuid:1"))
        here.pull()
        yield here


def leave(here: Mirrored, *entities: tuple[str, str]) -> None:
    """Forget the person with the study code, as the command does."""
    keep_places(here.con, {FORM_ID: ("code",)})
    subject_hash = hash_of(key_of(here.settings.data_folder), CODE)
    hers = ids_of(here.con, [(FORM_ID, "uuid:1")])
    assert hers == {(FORM_ID, "uuid:1"): ("uuid:1", "uuid:1b")}
    forget(here.con, Person(subject_hash, "withdrew", "run", "Ani"), Hers(hers, entities))


def line(here: Mirrored, *, kind: str = "submissions", thorough: bool = False) -> tuple[int, ...]:
    (found,) = (line for line in here.pull(thorough=thorough) if line.kind == kind)
    return told(found)


def told(found: Line) -> tuple[int, ...]:
    assert found.is_true
    return (found.server, found.warehouse, found.forgotten, found.missing, found.extra)


def ids(here: Mirrored) -> set[str]:
    """Give whatever raw has of submissions."""
    return {
        name
        for table in ("submissions", "submission_states", "submission_versions", "attachments")
        for (name,) in here.rows(f"select instance_id from raw.{table}")
    }


def test_she_is_counted_by_herself_and_not_missing(here: Mirrored) -> None:
    leave(here)
    assert ids(here) == {"uuid:0", "uuid:2"}
    for thorough in (False, False, True):
        assert line(here, thorough=thorough) == (3, 2, 1, 0, 0)
        assert ids(here) == {"uuid:0", "uuid:2"}
    assert here.rows("select forgotten, missing from meta.reconciliations") == [(0, 0), *[(1, 0)] * 3]


def test_nothing_of_her_is_asked_for(here: Mirrored, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(here)
    asked: list[str] = []
    from laktasi.odk.connection import Connection

    document = Connection.document

    def listen(self: Connection, path: str, *given: object, **named: object) -> bytes | None:
        asked.append(path)
        return document(self, path, *given, **named)

    monkeypatch.setattr(Connection, "document", listen)
    here.pull(thorough=True)
    assert not [path for path in asked if "uuid" in path and "1" in path.rpartition("submissions")[2]]


def test_an_edit_a_review_and_a_restored_record_bring_nothing_of_her(acts: Acts, here: Mirrored) -> None:
    leave(here)
    acts.edit(FORM_ID, "uuid:1", xml(1, "uuid:1c", deprecated_id="uuid:1b", code="K0777"))
    acts.review(FORM_ID, "uuid:1", "hasIssues")
    assert line(here) == (3, 2, 1, 0, 0)
    acts.delete(FORM_ID, "uuid:1")
    assert line(here) == (2, 2, 0, 0, 0)
    acts.restore(FORM_ID, "uuid:1")
    assert line(here) == (3, 2, 1, 0, 0)
    assert ids(here) == {"uuid:0", "uuid:2"}


def test_a_later_visit_is_known_by_its_study_code(acts: Acts, here: Mirrored) -> None:
    leave(here)
    acts.submit(xml(7, "uuid:visit", code=f" {CODE.lower()} ", photo="p.jpg"), {"p.jpg": b"of her"})
    acts.submit(xml(8, "uuid:8"))
    assert line(here) == (5, 3, 2, 0, 0)
    assert here.told["forgotten"] == 1
    assert ids(here) == {"uuid:0", "uuid:2", "uuid:8"}
    assert not [path for path in here.settings.data_folder.attachments.rglob("*") if path.is_file()]
    visit = here.rows("select ids, why, erased[1].source from raw.forgotten where list_contains(ids, 'uuid:visit')")
    assert [(names, why) for names, why, _ in visit] == [(["uuid:visit"], "came_again")]
    assert visit[0][2].startswith("central:")
    # Known by its id from now on, it is not asked for again.
    assert line(here) == (5, 3, 2, 0, 0)
    assert here.told.get("forgotten", 0) == 0


def test_a_record_that_is_known_here_and_was_not_hers_stays(acts: Acts, here: Mirrored) -> None:
    leave(here)
    acts.edit(FORM_ID, "uuid:2", xml(2, "uuid:2b", deprecated_id="uuid:2", code=CODE))
    assert line(here) == (3, 2, 1, 0, 0)
    assert "uuid:2b" in ids(here)  # whose it is is settled after corrections


def test_one_whose_versions_were_seen_before_her_code_was_leaves_nothing(
    acts: Acts, here: Mirrored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a server says of a version lands before its answers do; then a batch may end between them."""
    leave(here)
    monkeypatch.setattr("laktasi.store.raw.CENTRAL_BATCH", 1)
    acts.submit(xml(7, "uuid:visit", code=CODE))
    assert line(here) == (4, 2, 2, 0, 0)
    assert ids(here) == {"uuid:0", "uuid:2"}


def test_her_entity_is_turned_away_too(acts: Acts, here: Mirrored) -> None:
    acts.make_list("mothers", "code", "age")
    hers, other, again = (str(uuid.uuid4()) for _ in range(3))
    acts.make_entity("mothers", hers, "Somebody", {"code": CODE, "age": "31"})
    acts.make_entity("mothers", other, "Another", {"code": "K0002", "age": "22"})
    assert line(here, kind="entities") == (2, 2, 0, 0, 0)
    leave(here, ("mothers", hers))
    assert here.rows("select entity_id from raw.entities") == [(other,)]
    acts.update_entity("mothers", hers, 1, data={"age": "32"})
    acts.make_entity("mothers", again, "Somebody again", {"code": CODE})
    assert line(here, kind="entities") == (3, 1, 2, 0, 0)
    assert here.rows("select entity_id from raw.entities") == [(other,)]


def test_an_erasure_that_is_done_again_erases_nothing(here: Mirrored) -> None:
    leave(here)
    with transaction(here.con):
        assert erase(here.con, "again") == 0
    assert here.rows("select count(*) from raw.forgotten") == [(1,)]
