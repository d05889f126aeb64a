"""Entity lists become tables: what lives, in its newest version, with every property as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from laktasi.records import Entity
from laktasi.store import raw
from laktasi.store.entities import COLUMNS, stand_entities
from laktasi.store.publish import publish_research
from tests.warehouse_fixture import Warehouse, contents, form, submission, warehouse

HERE = "central:odk.example.org/1"
THERE = "central:other.example.org/7"
SECRET = "Siti Rahasia Sekali"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse(tmp_path) as opened:
        yield opened


def at(minute: int) -> datetime:
    return datetime(2026, 11, 20, 8, minute, tzinfo=UTC)


def entity(
    entity_id: str,
    properties: dict[str, str | None] | None = None,
    *,
    of: str = "mothers",
    version: int = 1,
    source: str = HERE,
    deleted: bool = False,
    purged: bool = False,
) -> Entity:
    return Entity(
        source=source,
        list_name=of,
        entity_id=entity_id,
        version=version,
        label=f"{entity_id} {version}",
        properties=properties or {},
        created_at=at(1),
        updated_at=at(version) if version > 1 else None,
        deleted_at=at(30) if deleted else None,
        is_purged=purged,
        creator_name="Eny",
    )


def stood(house: Warehouse, *entities: Entity) -> dict[str, int]:
    raw.land(house.con, house.folder, entities, house.run_id, source=HERE)
    return stand_entities(house.con)


def columns(house: Warehouse, table: str) -> list[str]:
    found = house.rows(
        "select column_name from duckdb_columns() where schema_name = 'entities'"
        f" and table_name = '{table}' order by column_index"
    )
    return [name for (name,) in found]


def test_the_newest_version_of_what_lives_stands(house: Warehouse) -> None:
    assert stood(house) == {}
    assert stood(
        house,
        entity("a", {"age": "20", "code": "K1"}),
        entity("b", {"age": "", "code": None}),
        entity("c", {"age": "40"}),
        entity("a", {"age": "021", "code": "K1"}, version=2),
        entity("c", {"age": "40"}, deleted=True),
        entity("d", {"age": "50"}),
        entity("d", {"age": "50"}, purged=True),
        entity("e", {"age": "60"}, deleted=True),
        entity("e", {"age": "60"}),
    ) == {"mothers": 3}
    assert house.rows("from entities.mothers order by entity_id") == [
        ("a", "a 2", 2, at(1), at(2), "Eny", HERE, "021", "K1"),
        ("b", "b 1", 1, at(1), None, "Eny", HERE, "", None),
        ("e", "e 1", 1, at(1), None, "Eny", HERE, "60", None),
    ]
    types = house.rows("select distinct data_type from duckdb_columns() where column_name in ('age', 'code')")
    assert types == [("VARCHAR",)]
    before = contents(house.con)
    assert stand_entities(house.con) == {"mothers": 3}
    assert contents(house.con) == before


def test_two_sources_with_one_list_share_a_table(house: Warehouse) -> None:
    stood(
        house, entity("a", {"x": "1"}), entity("a", {"y": "2"}, source=THERE), entity("z", source=THERE, deleted=True)
    )
    assert house.rows("select source, entity_id, x, y from entities.mothers order by 1") == [
        (HERE, "a", "1", None),
        (THERE, "a", None, "2"),
    ]


def test_names_are_made_safe_and_never_taken_twice(house: Warehouse) -> None:
    tables = stood(house, entity("a", {"first-name": "1"}, of="health_centres"))
    assert tables == {"health_centres": 1}
    later = stood(
        house,
        entity("b", {"first_name": "2", "Source": "3", "label": "4", "a b": "5", 'q"t': "6"}, of="health_centres"),
        entity("c", of="health-centres"),
        entity("d", of="HEALTH_centres"),
        entity("e", of="select"),
    )
    assert len(later) == 4
    assert {"health_centres", "select"} < set(later)
    assert all(name.lower().startswith("health_centres_") for name in set(later) - {"health_centres", "select"})
    assert stand_entities(house.con) == later
    names = columns(house, "health_centres")
    assert names[: len(COLUMNS)] == list(COLUMNS)
    assert {"first_name", "a_b", "q_t"} < set(names)
    assert house.rows("select entity_id, first_name, a_b, q_t from entities.health_centres order by 1") == [
        ("a", "1", None, None),
        ("b", None, "5", "6"),
    ]
    # what clashes with another, or with ours, has an ending, and is said in the comment
    endings = house.rows(
        "select comment from duckdb_columns()"
        " where schema_name = 'entities' and column_name similar to '.*_[0-9a-f]{4}' order by 1"
    )
    assert endings == [("Property Source",), ("Property first_name",), ("Property label",)]


def test_a_list_that_is_gone_from_the_names_keeps_no_table(house: Warehouse) -> None:
    stood(house, entity("a", {"age": "20"}))
    assert stood(house, entity("a", {"age": "20"}, deleted=True)) == {"mothers": 0}
    assert "age" in columns(house, "mothers")
    house.con.execute("delete from raw.entities")
    assert stand_entities(house.con) == {}
    assert columns(house, "mothers") == []


def test_every_table_and_column_is_commented_as_private(house: Warehouse) -> None:
    stood(house, entity("a", {"age": "20"}))
    ((comment,),) = house.rows("select comment from duckdb_tables() where schema_name = 'entities'")
    assert "Private." in comment
    assert comment.endswith("One row per source and entity.")
    assert house.rows("from duckdb_columns() where schema_name = 'entities' and comment is null") == []


def test_no_entity_reaches_the_research_copy(house: Warehouse) -> None:
    house.take(form(), submission("u1"))
    stood(house, entity("a", {"name": SECRET}))
    house.marts()
    published = publish_research(house.con, house.folder, house.questionnaires)
    assert SECRET.encode() not in published.path.read_bytes()
    with duckdb.connect(str(published.path), read_only=True) as copy:
        assert (
            copy.execute(
                "from duckdb_tables() where schema_name = 'entities' or table_name in ('mothers', 'entities')"
            ).fetchall()
            == []
        )
