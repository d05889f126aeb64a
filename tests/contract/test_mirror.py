"""The mirror, over HTTP, to the warehouse: what a Central says stands there, and nothing is missing."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from laktasi import pipeline
from tests import mini
from tests.central import Acts
from tests.contract.walk import Central
from tests.contract.warehouse import FORM_ID, Study, make_study, publish, xml


@pytest.fixture
def acts(empty_central: Central) -> Acts:
    return empty_central.acts


@pytest.fixture
def study(acts: Acts, tmp_path: Path) -> Study:
    made = make_study(acts, tmp_path)
    publish(acts, tmp_path)
    return made


def landed(study: Study) -> dict[str, str]:
    rows = study.rows("select instance_id, payload from raw.submissions")
    assert len(rows) == len({name for name, _ in rows})
    return {name: payload.decode() for name, payload in rows}


def test_every_version_lands_once_exactly_as_it_was_sent(acts: Acts, study: Study) -> None:
    sent = {f"uuid:c-{number}": xml(number, f"uuid:c-{number}") for number in range(5)}
    for text in sent.values():
        acts.submit(text)
    sent["uuid:c-edit"] = xml(1, "uuid:c-edit", deprecated_id="uuid:c-1", age=44)
    acts.edit(FORM_ID, "uuid:c-1", sent["uuid:c-edit"])
    for _ in range(2):
        assert study.pull().unreached == {}
    assert landed(study) == sent
    assert study.line() == {"server": 5, "warehouse": 5, "refused": 0, "missing": 0, "extra": 0}


def test_the_same_submission_through_both_doors_is_one_row(acts: Acts, study: Study, tmp_path: Path) -> None:
    phone = mini.fill_phone(tmp_path / "phone", 4)
    for number in range(2, 6):
        acts.submit(xml(number, f"uuid:tea-{number:04d}"))
    both = make_study(acts, tmp_path, phone)
    both.stand()
    rows = both.rows("select _submission_id from staging.tea order by all")
    assert [name for (name,) in rows] == [f"uuid:tea-{number:04d}" for number in range(6)]
    assert both.line() == {"server": 4, "warehouse": 4, "refused": 0, "missing": 0, "extra": 0}


def test_edits_deletions_and_restored_rows_follow(acts: Acts, study: Study) -> None:
    for number in range(3):
        acts.submit(xml(number, f"uuid:{number}"))
    study.stand()
    acts.edit(FORM_ID, "uuid:0", xml(0, "uuid:0b", deprecated_id="uuid:0", age=55))
    acts.delete(FORM_ID, "uuid:1")
    study.stand()
    assert study.states() == {"uuid:0": "staged", "uuid:1": "deleted", "uuid:2": "staged"}
    assert study.rows("select age from staging.tea where _submission_id = 'uuid:0'") == [(55,)]
    assert study.line() == {"server": 2, "warehouse": 2, "refused": 0, "missing": 0, "extra": 0}
    acts.restore(FORM_ID, "uuid:1")
    study.stand()
    assert set(study.states().values()) == {"staged"}
    assert study.line() == {"server": 3, "warehouse": 3, "refused": 0, "missing": 0, "extra": 0}


def test_what_reviewers_say_and_who_sent_it_stands_beside_the_answers(acts: Acts, study: Study) -> None:
    _, token = acts.app_user("phone 7", FORM_ID)
    acts.submit(xml(0, "uuid:0"), token=token, device_id="collect:7")
    acts.review(FORM_ID, "uuid:0", "hasIssues")
    study.stand()
    said = study.rows("select review_state, submitter_name, device_id from staging.submissions")
    assert said == [("hasIssues", "phone 7", "collect:7")]
    acts.review(FORM_ID, "uuid:0", None)
    study.stand()
    assert study.rows("select review_state from staging.submissions") == [(None,)]


def test_late_replaced_and_removed_files_are_found_by_the_log(acts: Acts, study: Study) -> None:
    send_with_photos(acts)
    study.pull()
    assert study.files() == {("uuid:1", "p.jpg"): b"one"}
    change_photos(acts)
    study.pull()
    assert study.files() == {
        ("uuid:0", "p.jpg"): b"late",
        ("uuid:1", "p.jpg"): b"two",
        ("uuid:2", "p.jpg"): b"other",
    }
    acts.detach(FORM_ID, "uuid:1", "p.jpg")
    study.pull()
    assert study.files()["uuid:1", "p.jpg"] is None


def test_a_viewer_finds_files_without_the_log(acts: Acts, study: Study, tmp_path: Path, stranger: Acts) -> None:
    acts.do("POST", f"{acts.place()}/assignments/viewer/{stranger.myself()}")
    viewers = make_study(stranger, tmp_path)
    send_with_photos(acts)
    viewers.pull()
    change_photos(acts)
    viewers.pull()
    assert viewers.files() == {
        ("uuid:0", "p.jpg"): b"late",
        ("uuid:1", "p.jpg"): b"two",
        ("uuid:2", "p.jpg"): b"other",
    }
    assert viewers.line()["server"] == 3


def send_with_photos(acts: Acts) -> None:
    for number, files in enumerate([{}, {"p.jpg": b"one"}]):
        acts.submit(xml(number, f"uuid:{number}", photo="p.jpg"), files)


def change_photos(acts: Acts) -> None:
    acts.submit(xml(0, "uuid:0", photo="p.jpg"), {"p.jpg": b"late"})
    acts.attach(FORM_ID, "uuid:1", "p.jpg", b"two")
    acts.submit(xml(2, "uuid:2", photo="p.jpg"), {"p.jpg": b"other"})


def test_entities_follow(acts: Acts, study: Study) -> None:
    name = str(uuid.uuid4())
    acts.make_list("mothers", "village", "age")
    acts.make_entity("mothers", name, "M1", {"village": "A"})
    study.pull()
    acts.update_entity("mothers", name, 1, data={"age": "30"})
    study.pull()
    acts.delete_entity("mothers", name)
    study.pull()
    acts.restore_entities("mothers", name)
    study.pull()
    versions = study.rows(
        "select version, label, properties, deleted_at is not null from raw.entities order by landed_at"
    )
    assert [(version, deleted) for version, _, _, deleted in versions] == [
        (1, False),
        (2, False),
        (2, True),
        (2, False),
    ]
    assert versions[-1][2] == {"village": "A", "age": "30"}


def test_what_cannot_be_a_submission_is_refused_and_counted(acts: Acts, study: Study) -> None:
    acts.submit(xml(0, "uuid:0"))
    acts.submit(xml(1, "uuid:torn")[: -len("</orx:meta></data>")])
    run = study.pull()
    assert run.told["central"]["refused"] == 1
    assert study.line() == {"server": 2, "warehouse": 1, "refused": 1, "missing": 0, "extra": 0}
    study.pull()
    assert study.line()["refused"] == 1


def test_a_wrong_password_is_said_and_the_run_goes_on(acts: Acts, study: Study, tmp_path: Path) -> None:
    wrong = make_study(acts, tmp_path, password="not-the-password")
    assert list(wrong.pull().unreached) == ["central"]


def test_thorough_proof_reads_nothing_that_is_here(acts: Acts, study: Study) -> None:
    send_with_photos(acts)
    study.pull()
    before = landed(study)
    pipeline.walk(study.settings, pipeline.PROVING, door="cli")
    assert landed(study) == before
    assert study.line() == {"server": 2, "warehouse": 2, "refused": 0, "missing": 0, "extra": 0}
