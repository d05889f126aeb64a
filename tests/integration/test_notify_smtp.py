"""Messages reach a real SMTP server on loopback: once, whatever breaks on the way."""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from laktasi.cli import main
from laktasi.errors import SettingsError, SourceError
from laktasi.notifying import composing, notify_after, telling
from laktasi.notifying.outbox import Outbox
from laktasi.paths import FLOWS
from laktasi.settings import Settings, read_settings
from tests.postbox import HOST, Post, free_port, open_post, self_signed

ERROR = SourceError("central.example.org does not answer", next_step="see that the laptop is online")


@pytest.fixture
def post() -> Iterator[Post]:
    with open_post() as opened:
        yield opened


@pytest.fixture
def telling_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Give settings of an empty project whose runs tell some addresses."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    project = tmp_path / "tea"
    project.mkdir()

    def settings(*addresses: str, toml: str = "") -> Settings:
        (project / "laktasi.toml").write_text(toml, encoding="utf-8")
        monkeypatch.setenv("LAKTASI_NOTIFY__TO", " ".join(addresses))
        return read_settings(project)

    return settings


def fail(settings: Settings, error: BaseException | None = ERROR, door: str = "prefect") -> None:
    notify_after(settings, None, error, door=door)


def waiting(settings: Settings) -> list[dict[str, Any]]:
    path = settings.data_folder.messages / "messages.json"
    return json.loads(path.read_text(encoding="utf-8"))["waiting"] if path.exists() else []


def test_a_failure_is_mailed_once_a_day(
    post: Post, telling_to: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = telling_to(post.address("ani@example.org"))
    fail(settings)
    fail(settings)
    (text,) = post.texts("ani@example.org")
    assert text.startswith("[laktasi] tea: a run failed #")
    assert "A RUN FAILED: central.example.org does not answer" in text
    assert "- see that the laptop is online" in text
    fail(settings, SourceError("the card is gone"))
    assert len(post.texts()) == 2
    monkeypatch.setitem(composing.REPEATED_AFTER, "failure", timedelta(0))
    fail(settings)
    assert len(post.texts()) == 3


def test_what_could_not_be_sent_goes_with_the_next_run(telling_to: Callable[..., Settings]) -> None:
    port = free_port()
    settings = telling_to(Post(port).address("ani@example.org"))
    fail(settings)
    assert len(waiting(settings)) == 1
    fail(settings)  # the same failure is not queued twice while it waits
    assert len(waiting(settings)) == 1
    with open_post(port) as post:
        notify_after(settings, "20261122T050000000Z-abcdef", None, door="prefect")
        notify_after(settings, "20261122T060000000Z-abcdef", None, door="prefect")
        assert len(post.texts()) == 1
    assert waiting(settings) == []


def test_of_two_addresses_the_broken_one_waits_alone(post: Post, telling_to: Callable[..., Settings]) -> None:
    post.refused = {"budi@example.org"}
    settings = telling_to(post.address("ani@example.org,budi@example.org"))
    fail(settings)
    assert [to for to, _ in post.received] == ["ani@example.org"]
    post.refused = set()
    fail(settings, None)
    assert [to for to, _ in post.received] == ["ani@example.org", "budi@example.org"]
    first, second = post.texts()
    assert first == second
    assert waiting(settings) == []


def test_a_server_that_hangs_keeps_nobody(
    telling_to: Callable[..., Settings],
    post: Post,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(telling, "SECONDS", 1.0)
    with socket.create_server((HOST, 0)) as silent:
        hanging = Post(silent.getsockname()[1]).address("ani@example.org")
        settings = telling_to(hanging, post.address("budi@example.org"))
        with caplog.at_level(logging.WARNING, "laktasi.notifying"):
            fail(settings)
    assert len(post.texts("budi@example.org")) == 1
    (message,) = waiting(settings)
    assert len(message["to"]) == 1
    assert "it did not answer within 1 seconds; it goes with a later run" in caplog.text


def test_a_password_is_never_given_to_a_server_that_nobody_vouches_for(
    tmp_path: Path, telling_to: Callable[..., Settings], caplog: pytest.LogCaptureFixture
) -> None:
    with open_post(certificate=self_signed(tmp_path)) as post:
        address = f"mailtos://ani:correct-horse@{HOST}:{post.port}?from=ani@example.org&to=ani@example.org"
        settings = telling_to(address)
        fail(settings)
        assert (post.received, post.logins) == ([], [])
        assert "its certificate is not trusted" in caplog.text
        # Of this machine alone it may be taken without: then all goes encrypted.
        fail(telling_to(address + "&verify=no"), None)
        assert len(post.texts()) == 1
        assert len(post.logins) == 1
    kept = b"".join(path.read_bytes() for path in settings.data_folder.messages.iterdir())
    assert b"correct-horse" not in kept
    assert "correct-horse" not in caplog.text


KILLED = """
import os, sys
from pathlib import Path
from laktasi.errors import SourceError
from laktasi.notifying import notify_after, telling
from laktasi.notifying.outbox import Outbox
from laktasi.settings import read_settings

def die(*_given, **_named):
    os._exit(9)

if sys.argv[2] == "before":
    telling.send = die
elif sys.argv[2] == "after":
    Outbox.delivered = die
else:
    os.replace = Path.replace = die
error = SourceError("central.example.org does not answer")
notify_after(read_settings(Path(sys.argv[1])), None, error, door="prefect")
"""


@pytest.mark.parametrize(
    ("killed", "copies"),
    [("after", 2), *(pytest.param(when, 1, marks=pytest.mark.slow) for when in ("writing", "before"))],
)
def test_killed_anywhere_a_message_still_comes_and_says_which_it_is(
    post: Post, telling_to: Callable[..., Settings], killed: str, copies: int
) -> None:
    settings = telling_to(post.address("ani@example.org"))
    done = subprocess.run([sys.executable, "-c", KILLED, str(settings.project), killed], check=False, env=os.environ)
    assert done.returncode == 9
    fail(settings, SourceError("central.example.org does not answer"))
    fail(settings, SourceError("central.example.org does not answer"))
    subjects = [message["Subject"] for _, message in post.received]
    # Sent and not remembered: it comes again, and its id tells that it is the same.
    assert len(subjects) == copies
    assert len(set(subjects)) == 1
    assert waiting(settings) == []


def test_two_runs_that_end_at_once_tell_one_thing_once(post: Post, telling_to: Callable[..., Settings]) -> None:
    settings = telling_to(post.address("ani@example.org"))
    threads = [threading.Thread(target=fail, args=(settings,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(post.texts()) == 1


@pytest.mark.parametrize("toml", ["this is no TOML", 'langauge = "id"', "[notify]\nto = 'mailto://x'", "\udcff"])
def test_settings_that_cannot_be_read_are_told_all_the_same(
    post: Post, telling_to: Callable[..., Settings], toml: str
) -> None:
    project = telling_to(post.address("ani@example.org")).project
    (project / "laktasi.toml").write_bytes(toml.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError) as caught:
        read_settings(project)
    notify_after(None, None, caught.value, door="prefect", project=project)
    (text,) = post.texts()
    assert caught.value.what in text
    assert not (project / "data").exists()


def test_addresses_of_the_private_file_are_found_without_the_settings(
    post: Post, telling_to: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    from laktasi.settings.private_file import write_private_environment

    project = telling_to("").project
    monkeypatch.delenv("LAKTASI_NOTIFY__TO")
    write_private_environment(project, {"LAKTASI_NOTIFY__TO": post.address("ani@example.org")})
    (project / "laktasi.toml").write_text("language =", encoding="utf-8")
    notify_after(None, None, SettingsError("laktasi.toml: not TOML"), door="prefect", project=project)
    assert len(post.texts()) == 1


def test_a_full_disk_is_told_though_nothing_can_be_remembered(
    post: Post, telling_to: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    settings = telling_to(post.address("ani@example.org"))
    monkeypatch.setattr(Outbox, "_write", full)
    fail(settings)
    assert len(post.texts()) == 1


def test_nothing_that_goes_wrong_in_telling_reaches_the_run_or_shows_an_address(
    telling_to: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_given: object, **_named: object) -> None:
        raise RuntimeError("mailtos://ani:correct-horse@example.org")

    settings = telling_to("mailtos://ani:correct-horse@example.org")
    monkeypatch.setattr(telling, "tell", broken)
    fail(settings)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "laktasi.notifying"]
    assert "RuntimeError" in line
    assert "correct-horse" not in line


def test_after_a_run_by_hand_only_what_waits_is_sent(telling_to: Callable[..., Settings]) -> None:
    port = free_port()
    address = Post(port).address("ani@example.org")
    settings = telling_to(address)
    fail(settings, door="cli")
    assert waiting(settings) == []
    fail(settings)
    with open_post(port) as post:
        fail(settings, SourceError("something else"), door="cli")
        (text,) = post.texts()
        assert "central.example.org" in text
        fail(telling_to(address, toml="[notify]\nby_hand = true\n"), SourceError("something else"), door="cli")
        assert len(post.texts()) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_a_run_that_somebody_stopped_is_not_told(
    post: Post, telling_to: Callable[..., Settings], error: BaseException
) -> None:
    fail(telling_to(post.address("ani@example.org")), error)
    assert post.received == []


def test_without_addresses_nothing_is_done(telling_to: Callable[..., Settings]) -> None:
    settings = telling_to()
    fail(settings)
    assert not settings.data_folder.root.exists()


def test_a_flow_tells_how_it_ended_unless_somebody_watches(
    post: Post, telling_to: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(FLOWS))
    study_flow: Any = import_module("study_flow")
    project = str(telling_to(post.address("ani@example.org")).project)
    for is_watched in (True, False):
        monkeypatch.setattr(study_flow, "is_watched", is_watched)
        with pytest.raises(SettingsError), study_flow.telling(project, None):
            raise SettingsError("laktasi.toml: not TOML")
        assert len(post.texts()) == (0 if is_watched else 1)
    assert "laktasi.toml: not TOML" in post.texts()[0]


def test_an_old_backup_is_told_until_there_is_a_newer_one(
    post: Post, telling_to: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    made_at = datetime.now(UTC) - timedelta(days=8)
    monkeypatch.setattr("laktasi.backing_up.newest_backup", lambda _folder: (made_at, Path("stick")))
    settings = telling_to(post.address("ani@example.org"), toml='[backup]\nfolder = "stick"\n')
    fail(settings, None)
    fail(settings, None)
    (text,) = post.texts()
    assert f"NO NEW BACKUP: the newest one is of {made_at.astimezone():%Y-%m-%d %H:%M}" in text
    assert "- laktasi backup" in text
    made_at = datetime.now(UTC)
    fail(settings, None)
    made_at = datetime.now(UTC) - timedelta(days=8)
    fail(settings, None)
    assert len(post.texts()) == 2


def test_what_cannot_be_addressed_is_not_taken_for_told(post: Post, telling_to: Callable[..., Settings]) -> None:
    fail(telling_to("mailto:/slip"))
    fail(telling_to(post.address("ani@example.org")))
    assert len(post.texts()) == 1


def test_the_command_tests_every_address_and_shows_none_of_them(
    post: Post, telling_to: Callable[..., Settings]
) -> None:
    post.refused = {"budi@example.org"}
    good, refused = post.address("ani@example.org"), post.address("budi@example.org")
    down = Post(free_port()).address("cici@example.org")
    project = telling_to(good, refused, down, "mailto://u:correct-horse@mail.example.org", "nonsense").project
    done = CliRunner().invoke(main, ["notify", "test", "--project", str(project)])
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert lines[0] == f"mail to a…@example.org through {HOST}:{post.port}: sent"
    assert lines[1].endswith("not sent: it does not take a message for that recipient, or from this sender")
    assert lines[2].endswith("not sent: nothing answers on that port")
    assert lines[3].startswith("address 4: not used: mailto:// goes unencrypted")
    assert lines[4].startswith("address 5: not used: it is no address")
    assert "correct-horse" not in done.output
    assert "ani@" not in done.output
    (text,) = post.texts()
    assert "test message" in text
    telling_to(good)
    assert CliRunner().invoke(main, ["notify", "test", "--project", str(project)]).exit_code == 0
    telling_to()
    assert CliRunner().invoke(main, ["notify", "test", "--project", str(project)]).exit_code == 2


def test_the_command_shows_what_waits(telling_to: Callable[..., Settings]) -> None:
    settings = telling_to(Post(free_port()).address("ani@example.org"))
    fail(settings)
    done = CliRunner().invoke(main, ["notify", "show", "--project", str(settings.project)])
    assert done.exit_code == 0
    assert "waits for 1 of them" in done.output
    assert "A RUN FAILED: central.example.org does not answer" in done.output
    assert "A run that ended well now would tell nothing new." in done.output
    assert len(waiting(settings)) == 1
