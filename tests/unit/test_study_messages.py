"""What the study's own checks tell people to do is what the enumerators' guide lets them do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

CHECKS = yaml.safe_load((Path(__file__).parents[2] / "schemas" / "checks.yml").read_text(encoding="utf-8"))["checks"]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check["id"])
def test_no_message_asks_to_delete_a_record(check: dict[str, dict[str, str]]) -> None:
    told = " ".join(check["message"].values()).lower()
    assert [word for word in ("hapus", "buang", "delete", "remove") if word in told] == []


@pytest.mark.parametrize("check", [one for one in CHECKS if one["kind"] == "unique"], ids=lambda check: check["id"])
def test_a_mother_who_was_recorded_twice_is_a_case_for_the_data_manager(check: dict[str, dict[str, str]]) -> None:
    assert "hubungi pengelola data" in check["message"]["id"]
    assert "call the data manager" in check["message"]["en"]
