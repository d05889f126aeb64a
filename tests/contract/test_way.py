"""Whole runs with a Central as their source, through the pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import mini
from tests.central import Acts
from tests.contract.walk import Central
from tests.contract.warehouse import FORM_ID, Walked, make_settings, publish, xml


@pytest.fixture
def acts(empty_central: Central, template: Path, tmp_path: Path) -> Acts:
    publish(empty_central.acts, template, tmp_path)
    return empty_central.acts


def line(walked: Walked) -> tuple[int, ...]:
    names = "server, warehouse, refused, missing, extra"
    return walked.rows(f"select {names} from meta.reconciliations order by started_at desc limit 1")[0]


# By name, so that a run without a real Central says so here, once.
@pytest.mark.parametrize("site", ["double", "real"], indirect=True)
def test_every_version_lands_once_exactly_as_it_was_sent(acts: Acts, tmp_path: Path) -> None:
    sent = {f"uuid:c-{number}": xml(number, f"uuid:c-{number}") for number in range(5)}
    for text in sent.values():
        acts.submit(text)
    sent["uuid:c-edit"] = xml(1, "uuid:c-edit", deprecated_id="uuid:c-1", age=44)
    acts.edit(FORM_ID, "uuid:c-1", sent["uuid:c-edit"])
    walked = Walked(make_settings(acts, tmp_path))
    for _ in range(2):
        assert walked.land().unreached == {}
    landed = walked.rows("select instance_id, payload from raw.submissions")
    assert {name: payload.decode() for name, payload in landed} == sent
    assert len(landed) == len(sent)
    assert line(walked) == (5, 5, 0, 0, 0)


def test_the_same_submission_through_both_doors_is_one_row(acts: Acts, tmp_path: Path) -> None:
    phone = mini.fill_phone(tmp_path / "phone", 4)
    for number in range(2, 6):
        acts.submit(xml(number, f"uuid:tea-{number:04d}"))
    acts.edit(FORM_ID, "uuid:tea-0002", xml(2, "uuid:edit", deprecated_id="uuid:tea-0002", age=55))
    acts.delete(FORM_ID, "uuid:tea-0005")
    walked = Walked(make_settings(acts, tmp_path, phone))
    walked.stand()
    rows = walked.rows("select _submission_id, age from staging.tea order by all")
    assert [name for name, _ in rows] == [f"uuid:tea-{number:04d}" for number in range(5)]
    assert dict(rows)["uuid:tea-0002"] == 55
    assert line(walked) == (3, 3, 0, 0, 0)


def test_a_wrong_password_is_said_and_the_run_goes_on(acts: Acts, tmp_path: Path) -> None:
    phone = mini.fill_phone(tmp_path / "phone", 2)
    walked = Walked(make_settings(acts, tmp_path, phone, password="not-the-password"))
    assert list(walked.land().unreached) == ["central"]
    assert len(walked.rows("select * from raw.submissions")) == 2
