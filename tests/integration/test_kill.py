"""A run killed with SIGKILL anywhere is finished by the next one, as if nothing had happened."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from laktasi.paths import HOUSE
from tests import mini

POINTS = int(os.environ.get("LAKTASI_TEST_KILLS", "3"))

CORRECTIONS = """
decisions:
  - {id: a, action: replace, form: tea, submission: 'uuid:bad', question: age, expected: 7, value: 27,
     reason: r, reporter: Ani, date: 2026-11-21}
  - {id: b, action: drop, form: tea, submission: 'uuid:tea-0001', expected: 'uuid:tea-0001',
     reason: r, reporter: Ani, date: 2026-11-21}
  - {id: c, action: okay, form: tea, submission: 'uuid:bad', rule: milk.choice, question: milk, expected: perhaps,
     reason: r, reporter: Ani, date: 2026-11-21}
"""
LATER = """
decisions:
  - {id: d, action: withdraw, withdraws: b, reason: r, reporter: Ani, date: 2026-11-21}
  - {id: e, action: withdraw, withdraws: a, reason: r, reporter: Ani, date: 2026-11-21}
  - {id: f, action: replace, form: tea, submission: 'uuid:tea-0002', question: age, expected: AGE, value: 28,
     reason: r, reporter: Ani, date: 2026-11-21}
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks of itself: needs Linux or macOS")
def test_a_killed_run_is_finished_by_the_next(tmp_path: Path) -> None:
    project = mini.make_project(tmp_path / "project")
    phone = mini.fill_phone(tmp_path / "phone", 40)
    mini.put(phone, "bad", mini.xml(mini.person(90, age=7, milk="perhaps"), "uuid:bad"))
    mini.put(phone, "edit", mini.xml(mini.person(3, age=33), "uuid:edit", deprecated_id="uuid:tea-0003"))
    corrections = project / "schemas" / "corrections"
    corrections.mkdir()
    corrections.joinpath("some.yml").write_text(CORRECTIONS, encoding="utf-8")
    later = tmp_path / "later"
    later.mkdir()
    later.joinpath("later.yml").write_text(LATER.replace("AGE", str(mini.person(2)["age"])), encoding="utf-8")
    (phone / "instances" / "torn.xml").write_text("<data id='tea' version='1'><today>20", encoding="utf-8")
    driver = Path(__file__).with_name("kill_driver.py")
    done = subprocess.run(
        [sys.executable, str(driver), str(project), str(phone), str(later), str(POINTS)],
        capture_output=True,
        text=True,
        cwd=HOUSE,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert min(told["total"]) > 100, "the points are counted by the profiling hook; too few means that it sees nothing"
    assert told["killed"] == [True] * POINTS
    assert told["differs"] == {}
