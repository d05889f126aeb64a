"""The mirror against what only the stand-in can be made to do: late commits, purges, wrong clocks, faults."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from laktasi.errors import SourceError
from laktasi.odk import connection
from tests.central import Acts, Double
from tests.central.faults import Kind
from tests.contract.warehouse import FORM_ID, Mirrored, make_settings, mirrored, publish, true_line, xml

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSES", (0, 0))


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as double:
        yield double


@pytest.fixture
def acts(double: Double, template: Path, tmp_path: Path) -> Iterator[Acts]:
    acts = Acts(double.url, double.email, double.password)
    acts.make_project()
    publish(acts, template, tmp_path)
    yield acts
    acts.close()


@pytest.fixture
def here(acts: Acts, tmp_path: Path) -> Iterator[Mirrored]:
    with mirrored(make_settings(acts, tmp_path)) as here:
        yield here


def send(acts: Acts, *numbers: int) -> None:
    for number in numbers:
        acts.submit(xml(number, f"uuid:{number}", photo="p.jpg"), {"p.jpg": b"%d" % number})


def ids(*numbers: int) -> set[str]:
    return {f"uuid:{number}" for number in numbers}


def test_what_becomes_visible_after_later_rows_is_found(acts: Acts, double: Double, here: Mirrored) -> None:
    send(acts, 0)
    with double.hold_commits():
        send(acts, 1)
    send(acts, 2)
    assert here.line() == true_line(2)
    double.release()
    # Long after: no overlap reaches back so far.
    with double.hold_commits():
        send(acts, 3)
        acts.edit(FORM_ID, "uuid:0", xml(0, "uuid:0b", deprecated_id="uuid:0"))
    double.clock.advance(timedelta(hours=5))
    send(acts, 4)
    assert here.line() == true_line(4)
    assert here.states() == {name: name for name in ids(0, 1, 2, 4)}
    double.release()
    assert here.line() == true_line(5)
    assert here.states() == {name: name for name in ids(1, 2, 3, 4)} | {"uuid:0": "uuid:0b"}


def test_what_was_purged_is_gone_here_and_its_answers_stay(acts: Acts, double: Double, here: Mirrored) -> None:
    send(acts, 1, 2, 3)
    here.pull()
    acts.delete(FORM_ID, "uuid:1")
    double.purge()
    acts.delete(FORM_ID, "uuid:2")
    assert here.line() == true_line(1)
    assert here.states() == {"uuid:1": "purged", "uuid:2": "deleted", "uuid:3": "uuid:3"}
    double.purge()
    assert here.line() == true_line(1)
    assert here.states() == {"uuid:1": "purged", "uuid:2": "purged", "uuid:3": "uuid:3"}
    assert here.payloads().keys() == ids(1, 2, 3)


def test_nothing_that_did_not_change_is_read_again(acts: Acts, double: Double, here: Mirrored) -> None:
    send(acts, *range(6))
    here.pull()
    double.requests.clear()
    here.pull()
    assert contents_read(double) == []
    acts.edit(FORM_ID, "uuid:3", xml(3, "uuid:3b", deprecated_id="uuid:3", photo="p.jpg"))
    acts.review(FORM_ID, "uuid:4", "approved")
    acts.attach(FORM_ID, "uuid:5", "p.jpg", b"new")
    double.end_sessions()
    double.requests.clear()
    here.pull()
    assert sorted(contents_read(double)) == [
        "uuid:3/versions/uuid:3b.xml",
        "uuid:3/versions/uuid:3b/attachments/p.jpg",
        "uuid:5/versions/uuid:5/attachments/p.jpg",
    ]


def contents_read(double: Double) -> list[str]:
    """Give what was sent of submissions: answers and files. (Whether a file is still the same may be asked.)"""
    below = [(item, item.path.partition("/submissions/")[2]) for item in double.requests]
    return [path for item, path in below if path.endswith((".xml", ".jpg")) and item.status == 200]


def test_the_clock_of_this_machine_decides_nothing(acts: Acts, double: Double, here: Mirrored) -> None:
    double.clock.advance(timedelta(hours=-7))
    acts.log_in()
    send(acts, 1)
    here.pull()
    acts.review(FORM_ID, "uuid:1", "approved")
    send(acts, 2)
    assert here.line() == true_line(2)
    states = here.rows("select submission_id, review_state from raw.latest_submission_states order by all")
    assert states == [("uuid:1", "approved"), ("uuid:2", None)]


PASSING: tuple[Kind, ...] = ("401", "429", "502", "503", "reset", "truncated", "html", "slow")


def test_faults_that_pass_leave_no_trace(acts: Acts, double: Double, here: Mirrored) -> None:
    send(acts, *range(8))
    for number, kind in enumerate(PASSING):
        double.faults.next(f"uuid:{number}.*[.]xml$", kind, seconds=0.01)
        double.faults.next(f"uuid:{number}.*/p[.]jpg$", kind, seconds=0.01)
    paths = ("/forms$", "/versions$", "[.]svc/", "/submissions$", "/datasets$", "^audits")
    for path in paths:
        double.faults.next(path, "truncated")
    assert here.line() == true_line(8)
    assert here.files() == {(f"uuid:{number}", "p.jpg"): b"%d" % number for number in range(8)}
    # All of them struck.
    assert {item.status for item in double.requests if item.path.endswith(".xml")} >= {0, 200, 401, 429, 502, 503}


@pytest.mark.parametrize(("where", "before"), [("uuid:2.*/p[.]jpg$", ids(0, 1)), ("/submissions[?]", ids(0, 1, 2, 3))])
def test_a_server_that_breaks_off_is_said_and_the_next_run_goes_on(
    acts: Acts, double: Double, here: Mirrored, where: str, before: set[str]
) -> None:
    send(acts, *range(4))
    double.faults.next(where, "500", times=99)
    with pytest.raises(SourceError):
        here.pull()
    double.faults.clear()
    assert here.payloads().keys() == before
    assert here.told["new"] == len(before)
    double.requests.clear()
    assert here.line() == true_line(4)
    read = {item.path.rpartition("/")[2] for item in double.requests if "/submissions/" in item.path}
    assert not {f"{name}.xml" for name in before} & read
    assert here.files() == {(f"uuid:{number}", "p.jpg"): b"%d" % number for number in range(4)}


@pytest.mark.parametrize("is_late", [False, True])
def test_what_was_purged_and_sent_again_is_read_anew(acts: Acts, double: Double, here: Mirrored, is_late: bool) -> None:
    send(acts, 1)
    assert here.line() == true_line(1)
    acts.delete(FORM_ID, "uuid:1")
    double.purge()
    with double.hold_commits():
        acts.submit(again := xml(7, "uuid:1"))
    double.clock.advance(timedelta(hours=5))
    send(acts, 2)
    if is_late:
        # Nobody sees it without it; and then its row differs from what was here by one time alone.
        here.con.execute("update meta.positions set seen_until = ?, etag = null", [double.clock.now()])
    double.release()
    assert here.line() == true_line(2)
    assert here.payloads()["uuid:1"] == again
    assert here.files() == {("uuid:1", "p.jpg"): None, ("uuid:2", "p.jpg"): b"2"}
    assert here.line() == true_line(2)
    assert here.told["states"] == 0


def test_an_entity_that_was_changed_long_before_it_is_visible_is_found(
    acts: Acts, double: Double, here: Mirrored
) -> None:
    name, other = str(uuid.uuid4()), str(uuid.uuid4())
    acts.make_list("mothers", "age")
    acts.make_entity("mothers", name, "M1", {"age": "20"})
    here.pull()
    with double.hold_commits():
        acts.update_entity("mothers", name, 1, data={"age": "21"})
    double.clock.advance(timedelta(hours=5))
    acts.make_entity("mothers", other, "M2", {"age": "40"})
    assert here.pull()[-1].is_true
    double.release()
    line = here.pull()[-1]
    assert (line.server, line.warehouse, line.is_true) == (2, 2, True)
    ages = here.rows("select properties['age'] from raw.entities where version = 2")
    assert ages == [("21",)]
