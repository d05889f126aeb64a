"""The list beside the backups of who left: of which warehouse, without a name, and what it means for older backups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from laktasi.backing_up import shape
from laktasi.backing_up.forgotten import lacking, last_of, read_tombstones, tombstones_of, write_tombstones
from laktasi.store.leaving.erasing import Hers, apply, forget
from laktasi.store.leaving.tombstones import Person, bury, erased_since, tombstones
from tests.warehouse_fixture import FORM, Warehouse, form, submission, warehouse

pytestmark = pytest.mark.slow

SOMEBODY = f"hmac:{'0' * 64}"
BY = "Ani Yang Menghapus"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse(tmp_path / "one", form()) as one:
        one.take(*(submission(f"uuid:{number}") for number in range(3)))
        yield one


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


def leave(house: Warehouse, instance_id: str) -> None:
    forget(house.con, Person(SOMEBODY, "withdrew", house.run_id, BY), Hers({(FORM, instance_id): [instance_id]}))


def first_run(con: duckdb.DuckDBPyConnection) -> str:
    found = con.execute("select min(run_id) from meta.runs").fetchone()
    assert found is not None
    return str(found[0])


def excused(con: duckdb.DuckDBPyConnection) -> Mapping[str, Mapping[str, int]]:
    """Give how many rows `laktasi verify` takes to be gone because their people left."""
    until = datetime.now(UTC) + timedelta(hours=1)
    return erased_since(con, "another run", datetime(2020, 1, 1, tzinfo=UTC), until).rows


def test_who_left_another_study_is_nobody_here(house: Warehouse, stick: Path, tmp_path: Path) -> None:
    with warehouse(tmp_path / "two", form()) as other:
        other.con.execute("update meta.runs set run_id = '20190101T000000000Z-000000'")
        other.take(*(submission(f"uuid:{number}") for number in range(3)))
        leave(other, "uuid:0")
        write_tombstones(stick, tombstones_of(other.con))
    leave(house, "uuid:1")
    mine = tombstones_of(house.con)
    write_tombstones(stick, mine)
    assert len(read_tombstones(stick)) == 2
    with warehouse(tmp_path / "back", form()) as back:  # as the first one was before anybody left
        back.take(*(submission(f"uuid:{number}") for number in range(3)))
        new = lacking(back.con, read_tombstones(stick), first_run(house.con))
        assert [one["ids"] for one in new] == [["uuid:1"]]
        assert apply(back.con, new) == 1
        assert excused(back.con) == excused(house.con)
        assert back.rows("select instance_id from raw.submissions order by all") == [("uuid:0",), ("uuid:2",)]


def test_the_list_names_nobody_who_gave_the_command(house: Warehouse, stick: Path) -> None:
    leave(house, "uuid:1")
    assert tombstones(house.con)[0]["erased_by"] == BY
    write_tombstones(stick, tombstones_of(house.con))
    write_tombstones(stick, tombstones_of(house.con))
    text = (stick / shape.FORGOTTEN).read_text(encoding="utf-8")
    assert BY not in text
    assert text.count(SOMEBODY) == 1


def test_a_list_of_before_loses_its_names_and_is_of_any_warehouse(house: Warehouse, stick: Path) -> None:
    """It could not say whose its entries are: rather is an erasure told of twice than that somebody comes back."""
    leave(house, "uuid:1")
    (stick / shape.FORGOTTEN).write_text(
        f'[{{"subject_hash": "x", "kind": "submission", "form_id": "{FORM}", "ids": ["uuid:2"], "erased": [],'
        f' "why": "withdrew", "erased_by": "{BY}", "landed_at": "2026-11-01 08:00:00+00", "run_id": "r"}}]',
        encoding="utf-8",
    )
    write_tombstones(stick, tombstones_of(house.con))
    assert BY not in (stick / shape.FORGOTTEN).read_text(encoding="utf-8")
    new = lacking(house.con, read_tombstones(stick), first_run(house.con))
    assert [one["ids"] for one in new] == [["uuid:2"]]
    assert apply(house.con, new) == 1
    assert house.rows("select instance_id from raw.submissions") == [("uuid:0",)]


def test_what_a_warehouse_knows_already_is_not_told_to_it_twice(house: Warehouse, stick: Path) -> None:
    """Its own tombstones have the name that the list lacks, and are the same ones."""
    leave(house, "uuid:1")
    before = excused(house.con)
    write_tombstones(stick, tombstones_of(house.con))
    new = lacking(house.con, read_tombstones(stick), first_run(house.con))
    apply(house.con, new)
    assert excused(house.con) == before
    assert house.rows("select erased_by from raw.forgotten") == [(BY,)]


def test_what_was_turned_away_makes_no_backup_one_of_before_somebody_left(house: Warehouse) -> None:
    leave(house, "uuid:1")
    (left,) = tombstones_of(house.con)
    bury(house.con, Person(SOMEBODY, "came_again", house.run_id), [("submission", FORM, ["uuid:9"], [])])
    found = tombstones_of(house.con)
    assert len(found) == 2
    assert last_of(found) == left["landed_at"]
    nothing = {"place": "raw.submissions", "source": "phones", "landed_at": left["landed_at"], "n": 0}
    assert last_of([{**found[1], "erased": [nothing]}]) is None
