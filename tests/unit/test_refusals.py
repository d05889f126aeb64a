"""What a user is told to do where a Central does not give what was asked."""

from __future__ import annotations

import pytest

from laktasi.odk.refusals import Words

WORDS = Words("central.example.org", 7)
APP_USERS = "the app users of project 7"


@pytest.mark.parametrize(
    ("path", "thing", "role"),
    [
        ("projects/7/forms/visit/submissions", "form 'visit' in project 7", "Viewer"),
        ("projects/7/forms", "project 7", "Viewer"),
        ("projects/7/app-users", APP_USERS, "Manager"),
        ("projects/7/assignments/forms/app-user", APP_USERS, "Manager"),
        ("projects/7/forms/app-users/versions", "form 'app-users' in project 7", "Viewer"),
    ],
)
def test_who_may_not_read_is_told_the_role_that_may(path: str, thing: str, role: str) -> None:
    error = WORDS.refused(403, 403.1, path, is_reading=True)
    assert error.what == f"this user may not read {thing} on central.example.org"
    assert error.next_step == f"ask the server's administrator for the role Project {role} in project 7"


def test_who_may_not_change_is_told_to_become_a_manager() -> None:
    error = WORDS.refused(403, 403.1, "projects/7/forms/visit/draft", is_reading=False)
    assert "Project Manager" in error.next_step


def test_every_command_is_told_to_be_run_again_itself() -> None:
    told = (WORDS.unwell(502), WORDS.later(60), WORDS.later(1e300), WORDS.broke_off("ConnectionError"))
    assert all("the same command again" in error.next_step for error in told)
    assert not [error for error in told if "laktasi run" in str(error)]
