"""The mirror against what only the stand-in can be made to do: late commits, purges, wrong clocks, faults."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from laktasi.odk import connection
from tests.central import Acts, Double
from tests.central.faults import Kind
from tests.contract.warehouse import FORM_ID, Study, make_study, publish, xml


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSES", (0, 0))


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as double:
        yield double


@pytest.fixture
def acts(double: Double) -> Iterator[Acts]:
    acts = Acts(double.url, double.email, double.password)
    acts.make_project()
    yield acts
    acts.close()


@pytest.fixture
def study(acts: Acts, tmp_path: Path) -> Study:
    made = make_study(acts, tmp_path)
    publish(acts, tmp_path)
    return made


def send(acts: Acts, *numbers: int) -> None:
    for number in numbers:
        acts.submit(xml(number, f"uuid:{number}", photo="p.jpg"), {"p.jpg": b"%d" % number})


def ids(study: Study) -> set[str]:
    rows = study.rows("select instance_id from raw.submissions")
    assert len(rows) == len(set(rows))
    return {name for (name,) in rows}


def true_line(number: int) -> dict[str, int]:
    return {"server": number, "warehouse": number, "refused": 0, "missing": 0, "extra": 0}


def test_a_row_that_becomes_visible_after_later_ones_is_found(acts: Acts, double: Double, study: Study) -> None:
    with double.hold_commits():
        send(acts, 1)
    send(acts, 2)
    study.pull()
    assert ids(study) == {"uuid:2"}
    double.release()
    study.pull()
    assert ids(study) == {"uuid:1", "uuid:2"}
    assert study.line() == true_line(2)


def test_a_row_that_becomes_visible_long_after_later_ones_is_found_too(
    acts: Acts, double: Double, study: Study
) -> None:
    with double.hold_commits():
        send(acts, 1)
    double.clock.advance(timedelta(hours=5))
    send(acts, 2)
    study.pull()
    double.release()
    study.pull()
    assert study.line() == true_line(2)


def test_what_was_purged_is_deleted_here_and_its_answers_stay(acts: Acts, double: Double, study: Study) -> None:
    send(acts, 1, 2)
    study.pull()
    acts.delete(FORM_ID, "uuid:1")
    double.purge()
    study.stand()
    assert study.states() == {"uuid:1": "deleted", "uuid:2": "staged"}
    assert ids(study) == {"uuid:1", "uuid:2"}
    assert study.line() == true_line(1)


def test_nothing_that_did_not_change_is_read_again(acts: Acts, double: Double, study: Study) -> None:
    send(acts, *range(6))
    study.pull()
    double.requests.clear()
    study.pull()
    assert contents_read(double) == []
    acts.edit(FORM_ID, "uuid:3", xml(3, "uuid:3b", deprecated_id="uuid:3", photo="p.jpg"))
    acts.review(FORM_ID, "uuid:4", "approved")
    acts.attach(FORM_ID, "uuid:5", "p.jpg", b"new")
    double.requests.clear()
    study.pull()
    assert sorted(contents_read(double)) == [
        "uuid:3/versions/uuid:3b.xml",
        "uuid:3/versions/uuid:3b/attachments/p.jpg",
        "uuid:5/versions/uuid:5/attachments/p.jpg",
    ]


def contents_read(double: Double) -> list[str]:
    """Give what was sent of submissions: answers and files. (Whether a file is still the same may be asked.)"""
    below = [(item, item.path.partition("/submissions/")[2]) for item in double.requests]
    return [path for item, path in below if path.endswith((".xml", ".jpg")) and item.status == 200]


@pytest.mark.parametrize("hours", [-7, 7])
def test_the_clock_of_this_machine_decides_nothing(acts: Acts, double: Double, study: Study, hours: int) -> None:
    double.clock.advance(timedelta(hours=hours))
    acts.log_in()
    send(acts, 1)
    study.pull()
    acts.review(FORM_ID, "uuid:1", "approved")
    send(acts, 2)
    study.stand()
    assert study.line() == true_line(2)
    assert study.rows("select review_state from staging.submissions where submission_id = 'uuid:1'") == [("approved",)]


PASSING: tuple[Kind, ...] = ("401", "429", "502", "503", "reset", "truncated", "html", "slow")


def test_faults_that_pass_leave_no_trace(acts: Acts, double: Double, study: Study) -> None:
    send(acts, *range(8))
    for number, kind in enumerate(PASSING):
        double.faults.next(f"uuid:{number}.*[.]xml$", kind, seconds=0.01)
        double.faults.next(f"uuid:{number}.*/p[.]jpg$", kind, seconds=0.01)
    for path in ("/forms$", "/versions$", "[.]svc/", "/submissions$", "/datasets$", "^audits"):
        double.faults.next(path, "truncated")
    assert study.pull().unreached == {}
    assert study.line() == true_line(8)
    assert study.files() == {(f"uuid:{number}", "p.jpg"): b"%d" % number for number in range(8)}


def test_a_session_that_ends_in_mid_run_is_begun_again(acts: Acts, double: Double, study: Study) -> None:
    send(acts, *range(3))
    study.pull()
    send(acts, 3)
    double.end_sessions()
    assert study.pull().unreached == {}
    assert ids(study) == {f"uuid:{number}" for number in range(4)}


@pytest.mark.parametrize("where", ["[.]svc/", "uuid:2.*[.]xml$", "uuid:2.*/p[.]jpg$"])
def test_a_server_that_breaks_off_is_said_and_the_next_run_goes_on(
    acts: Acts, double: Double, study: Study, where: str
) -> None:
    send(acts, *range(4))
    double.faults.next(where, "500", times=99)
    assert list(study.pull().unreached) == ["central"]
    double.faults.clear()
    had = ids(study)
    double.requests.clear()
    assert study.pull().unreached == {}
    assert study.line() == true_line(4)
    read = [item.path for item in double.requests if item.path.endswith(".xml") and "/submissions/" in item.path]
    assert not {name for name in had if any(path.endswith(f"/{name}.xml") for path in read)}
