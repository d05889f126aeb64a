"""What only a test can do to the stand-in for Central: its clock, its transactions, purging, faults."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.central import Acts, Double
from tests.central.faults import Kind, When
from tests.contract.walk import FORM_ID, TOWNS, Central, xform, xml


@pytest.fixture
def central() -> Iterator[Central]:
    with Double() as double:
        acts = Acts(double.url, double.email, double.password)
        acts.make_project()
        acts.publish(xform(), {"towns.csv": TOWNS})
        yield Central(acts, double)
        acts.close()


@pytest.fixture
def double(central: Central) -> Double:
    assert central.double is not None
    return central.double


# transactions


def test_what_is_held_back_is_stamped_earlier_and_seen_later(central: Central, double: Double) -> None:
    with double.hold_commits():
        central.acts.submit(xml("uuid:held"))
    central.acts.submit(xml("uuid:seen"))
    before = central.etag()
    newest = central.system("uuid:seen")["submissionDate"]
    assert central.ids() == ["uuid:seen"]
    assert central.status("GET", f"{central.rows}/uuid:held.xml") == 404
    double.release()
    assert central.ids() == ["uuid:seen", "uuid:held"]
    assert central.ids(f"__system/submissionDate gt {newest}") == []
    assert central.etag() != before


def test_a_row_that_is_being_changed_is_seen_as_it_was(central: Central, double: Double) -> None:
    central.acts.submit(xml("uuid:1", "<photo>p.jpg</photo>"), {"p.jpg": b"one"})
    row = central.acts.do("GET", central.rows)
    state = central.system("uuid:1")
    log = central.submission("uuid:1", "audits")
    with double.hold_commits():
        central.acts.review(FORM_ID, "uuid:1", "approved")
        central.acts.attach(FORM_ID, "uuid:1", "p.jpg", b"two")
        central.acts.comment(FORM_ID, "uuid:1", "hello")
        central.acts.edit(FORM_ID, "uuid:1", xml("uuid:1b", "<photo>p.jpg</photo>", deprecated_id="uuid:1"))
        central.acts.delete(FORM_ID, "uuid:1")
    assert central.acts.do("GET", central.rows) == row
    assert central.system("uuid:1") == state
    assert central.submission("uuid:1", "audits") == log
    assert central.submission("uuid:1", "comments") == []
    assert central.submission("uuid:1", "attachments", "p.jpg") == b"one"
    double.release()
    assert central.ids() == []
    central.acts.restore(FORM_ID, "uuid:1")
    assert central.submission("uuid:1", "attachments", "p.jpg") == b"two"
    assert [item["instanceId"] for item in central.submission("uuid:1", "versions")] == ["uuid:1b", "uuid:1"]
    assert len(central.submission("uuid:1", "comments")) == 1


# the clock


def test_the_servers_clock_can_be_set_and_then_moves_by_its_tick(central: Central, double: Double) -> None:
    double.clock.set(datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3))
    central.acts.submit(xml("uuid:1"))
    central.acts.submit(xml("uuid:2"))
    first, second = (central.system(name)["submissionDate"] for name in ("uuid:1", "uuid:2"))
    assert first < second
    assert first[:19] == second[:19] > f"{datetime.now(UTC) + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}"


def test_a_session_ends_when_the_servers_clock_says_so_or_at_once(central: Central, double: Double) -> None:
    double.clock.advance(timedelta(hours=25))
    assert central.status("GET", central.rows) == 401
    central.acts.log_in()
    assert central.status("GET", central.rows) == 200
    double.end_sessions()
    assert central.status("GET", central.rows) == 401


# purging


def test_what_is_purged_was_never_there(central: Central, double: Double) -> None:
    for name in ("uuid:1", "uuid:2"):
        central.acts.submit(xml(name))
        central.acts.review(FORM_ID, name, "rejected", notes="why")
    central.acts.delete(FORM_ID, "uuid:1")
    assert double.purge() == 1
    assert central.ids("__system/deletedAt ne null") == []
    assert central.acts.do("GET", central.rows, params={"deleted": "true"}) == []
    assert central.status("POST", f"{central.rows}/uuid:1/restore") == 404
    assert central.ids() == ["uuid:2"]
    notes = {entry["notes"] for entry in central.acts.do("GET", "audits", params={"action": "submission.update"})}
    assert notes == {"", "why"}
    central.acts.submit(xml("uuid:1"))
    assert central.ids() == ["uuid:1", "uuid:2"]


def test_one_row_or_one_list_can_be_purged_alone(central: Central, double: Double) -> None:
    for name in ("uuid:1", "uuid:2"):
        central.acts.submit(xml(name))
        central.acts.delete(FORM_ID, name)
    assert double.purge(FORM_ID, "uuid:1") == 1
    assert central.ids("__system/deletedAt ne null") == ["uuid:2"]
    central.acts.make_list("people")
    made = central.acts.make_entity("people", "8c1b2a3d-0000-4000-8000-000000000001", "A", {})
    central.acts.delete_entity("people", made["uuid"])
    assert double.purge_entities("people") == 1
    assert (
        central.acts.do("GET", central.acts.place("datasets", "people", "entities"), params={"deleted": "true"}) == []
    )


# faults


STATUSES: tuple[Kind, ...] = ("401", "404", "429", "500", "502", "503")


@pytest.mark.parametrize("kind", STATUSES)
def test_statuses(central: Central, double: Double, kind: Kind) -> None:
    double.faults.next("/submissions", kind, times=2, seconds=7)
    answers = [central.acts.ask("GET", central.rows) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [int(kind), int(kind), 200]
    assert answers[0].headers.get("Retry-After") == ("7" if kind == "429" else None)


def test_a_login_page(central: Central, double: Double) -> None:
    double.faults.next("/submissions", "html")
    answer = central.acts.ask("GET", central.rows)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_a_connection_that_breaks(central: Central, double: Double) -> None:
    double.faults.next("/submissions", "reset")
    with pytest.raises(requests.ConnectionError):
        central.acts.ask("GET", central.rows)


def test_half_an_answer(central: Central, double: Double) -> None:
    double.faults.next("/submissions", "truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        central.acts.ask("GET", central.rows)


def test_an_answer_that_never_comes(central: Central, double: Double) -> None:
    double.faults.next("/submissions", "hang")
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{double.url}/v1/{central.rows}", headers=central.acts.session.headers, timeout=0.1)


def test_a_slow_answer_is_whole(central: Central, double: Double) -> None:
    double.faults.next("/submissions", "slow", seconds=0.05)
    assert central.acts.do("GET", central.rows) == []


@pytest.mark.parametrize(("when", "sent"), [("before", []), ("after", ["uuid:1"])])
def test_a_write_that_is_not_answered_took_place_or_did_not(
    central: Central, double: Double, when: When, sent: list[str]
) -> None:
    double.faults.next("submission$", "reset", method="POST", when=when)
    with pytest.raises(requests.ConnectionError):
        central.acts.submit(xml("uuid:1"))
    assert central.ids() == sent


def test_a_fault_waits_for_its_method_and_its_turn(central: Central, double: Double) -> None:
    double.faults.next("/submissions", "503", method="GET", skip=1)
    assert central.status("POST", central.rows, data=xml("uuid:1")) == 200
    assert [central.status("GET", central.rows) for _ in range(3)] == [200, 503, 200]
    double.faults.next("/submissions", "503", times=9)
    double.faults.clear()
    assert central.status("GET", central.rows) == 200


# what was asked


def test_requests_are_kept_as_they_came(central: Central, double: Double) -> None:
    double.requests.clear()
    etag = central.etag(**{"deleted": "true"})
    central.acts.ask("GET", central.rows, params={"deleted": "true"}, headers={"If-None-Match": etag})
    double.faults.next("comments", "reset")
    with pytest.raises(requests.ConnectionError):
        central.acts.comment(FORM_ID, "a b", "x")
    seen = [(item.method, item.path, item.query, item.status, item.has_etag) for item in double.requests]
    assert seen == [
        ("GET", central.rows, {"deleted": "true"}, 200, False),
        ("GET", central.rows, {"deleted": "true"}, 304, True),
        ("POST", f"{central.rows}/a b/comments", {}, 0, False),
    ]


def test_links_name_the_server_as_it_was_configured() -> None:
    for domain, expected in [("https://other.example.org", "https://other.example.org"), (None, "")]:
        with Double(domain=domain) as double:
            acts = Acts(double.url, double.email, double.password)
            acts.make_project()
            acts.publish(xform())
            central = Central(acts, double)
            for number in (1, 2):
                acts.submit(xml(f"uuid:{number}"))
            link = acts.do("GET", central.table, params={"$top": 1})["@odata.nextLink"]
            assert link.startswith(f"{expected or double.url}/v1/{central.table}?")
            acts.close()
