"""Entity lists and entities."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.central.acts import RefusedActError, code_of
from tests.contract.walk import Central


@pytest.fixture
def people(empty_central: Central) -> Central:
    empty_central.acts.make_list("people", "age", "home.town")
    return empty_central


def make(central: Central, label: str = "A", **data: str) -> str:
    name = str(uuid.uuid4())
    central.acts.make_entity("people", name, label, data)
    return name


def table(central: Central, **options: str) -> list[dict[str, Any]]:
    path = f"{central.acts.place('datasets')}/people.svc/Entities"
    return list(central.acts.do("GET", path, params={f"${name}": value for name, value in options.items()})["value"])


def listed(central: Central, **params: str) -> list[dict[str, Any]]:
    return list(central.acts.do("GET", central.acts.place("datasets", "people", "entities"), params=params))


def one(central: Central, name: str, *more: str, **params: str) -> Any:
    return central.acts.do("GET", central.acts.place("datasets", "people", "entities", name, *more), params=params)


def test_a_list_names_its_properties_and_how_the_feed_calls_them(people: Central) -> None:
    assert [item["name"] for item in people.acts.do("GET", people.acts.place("datasets"))] == ["people"]
    properties = people.acts.do("GET", people.acts.place("datasets", "people"))["properties"]
    assert [(item["name"], item["odataName"]) for item in properties] == [("age", "age"), ("home.town", "home_town")]


def test_an_unset_property_is_an_empty_text_in_the_feed_and_absent_in_the_entity(people: Central) -> None:
    name = make(people, age="3")
    (row,) = table(people)
    assert {key: row[key] for key in ("__id", "label", "age", "home_town")} == {
        "__id": name,
        "label": "A",
        "age": "3",
        "home_town": "",
    }
    assert one(people, name)["currentVersion"]["data"] == {"age": "3"}
    assert row["__system"].keys() == {
        *("createdAt", "creatorId", "creatorName", "updates", "updatedAt", "version", "conflict")
    }
    assert row["__system"]["creatorName"] == people.acts.email


def test_an_update_makes_a_version_and_a_stale_one_is_refused(people: Central) -> None:
    name = make(people, age="3")
    people.acts.update_entity("people", name, 1, data={"age": "4"})
    with pytest.raises(RefusedActError) as caught:
        people.acts.update_entity("people", name, 1, data={"age": "5"})
    assert caught.value.code == 409.15
    people.acts.update_entity("people", name, 2, label="B")
    versions = one(people, name, "versions")
    assert [(item["version"], item["label"], item["data"]["age"], item["current"]) for item in versions] == [
        (1, "A", "3", False),
        (2, "A", "4", False),
        (3, "B", "4", True),
    ]
    (row,) = table(people)
    assert (row["__system"]["version"], row["__system"]["updates"]) == (3, 2)
    assert row["__system"]["updatedAt"]


def test_values_are_texts_of_known_properties(people: Central) -> None:
    path = people.acts.place("datasets", "people", "entities")
    for data, code in [({"age": 3}, 400.11), ({"shoe": "3"}, 400.28)]:
        assert code_of(people.acts.ask("POST", path, json={"label": "A", "data": data})) == code


def test_an_id_is_given_once_on_the_whole_server(people: Central) -> None:
    name = make(people)
    people.acts.make_list("others")
    with pytest.raises(RefusedActError) as caught:
        people.acts.make_entity("others", name, "A", {})
    assert caught.value.code == 409.3


def test_a_deleted_entity_shows_to_who_asks_and_only_the_listing_says_that_it_is_deleted(people: Central) -> None:
    names = [make(people), make(people)]
    since = one(people, names[1])["createdAt"]
    people.acts.delete_entity("people", names[0])
    assert [row["__id"] for row in table(people)] == [names[1]]
    (row,) = table(people, filter=f"__system/deletedAt gt {since}")
    assert row["__id"] == names[0]
    assert "deletedAt" not in row["__system"]
    assert [(item["uuid"], bool(item["deletedAt"])) for item in listed(people, deleted="true")] == [(names[0], True)]
    assert [item["uuid"] for item in listed(people)] == [names[1]]
    with pytest.raises(RefusedActError):
        one(people, names[0])
    assert one(people, names[0], deleted="true")["uuid"] == names[0]


@pytest.mark.parametrize("in_bulk", [False, True])
def test_an_entity_that_is_restored_alone_is_in_the_delta_and_one_of_several_is_not(
    people: Central, in_bulk: bool
) -> None:
    name = make(people)
    people.acts.delete_entity("people", name)
    since = listed(people, deleted="true")[0]["deletedAt"]
    if in_bulk:
        people.acts.restore_entities("people", name)
    else:
        people.acts.restore_entity("people", name)
    delta = " or ".join(f"__system/{item} gt {since}" for item in ("createdAt", "updatedAt", "deletedAt"))
    assert [row["__id"] for row in table(people, filter=delta)] == ([] if in_bulk else [name])
    (row,) = table(people)
    assert (row["__id"], row["__system"]["version"]) == (name, 1)


def test_the_feed_comes_newest_first_with_no_etag(people: Central) -> None:
    names = [make(people), make(people)]
    assert [row["__id"] for row in table(people)] == names[::-1]
    answer = people.acts.ask("GET", f"{people.acts.place('datasets')}/people.svc/Entities")
    assert "ETag" not in answer.headers
