"""`laktasi up` given to the system, so that it comes back over restarts: installed, looked at, removed."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from laktasi.errors import LaktasiError
from laktasi.service import units
from laktasi.settings import PREFIX, Settings
from laktasi.settings.private_file import private_environment, read_private_environment


def text_of(name: str, line: Sequence[str], project: Path) -> tuple[Path, str]:
    """Give the file that this system wants, and what stands in it."""
    if sys.platform == "darwin":
        return units.launchd_file(name), units.launchd_agent(name, line, project)
    if sys.platform == "win32":
        return project / f"{name}-task.xml", units.windows_task(line, project, getpass.getuser())
    return units.systemd_folder() / f"{name}.service", units.systemd_unit(line, project)


def install(settings: Settings, name: str, line: Sequence[str]) -> list[str]:
    """Write the file and start the service; give what is to be told.

    Raises
    ------
    LaktasiError
        The name is taken by another service, or the file cannot be written.
    """
    path, text = text_of(name, line, settings.project)
    _check_name(name)
    data = settings.data_folder.root
    if path.exists() and not units.is_about(path.read_text(encoding=_encoding(), errors="replace"), data):
        raise LaktasiError(
            f"{path} is there already, and is about another data folder",
            next_step="give this one a name of its own: laktasi service install --name another-study",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding=_encoding())
    except OSError as error:
        raise LaktasiError(
            f"{path} cannot be written ({error.strerror})", next_step="see that the folder is yours"
        ) from error
    told = [f"Written: {path}", *_not_given(settings)]
    for command in start_commands(name, path):
        if failure := _run(command):
            return [
                *told,
                f"{' '.join(command)}: {failure}",
                "It is not started. Next, in a session of yours:",
                *_lines(name, path),
            ]
    return [*told, *_afterwards()]


def remove(settings: Settings, name: str) -> list[str]:
    """Stop the service and take its file away; give what is to be told.

    Raises
    ------
    LaktasiError
        There is none of this name.
    """
    path, _ = text_of(name, [""], settings.project)
    _check_name(name)
    if not path.exists():
        raise LaktasiError(
            f"there is no {path}", next_step="laktasi service status says what is installed; --name names another"
        )
    told = [f"{' '.join(command)}: {failure}" for command in stop_commands(name, path) if (failure := _run(command))]
    path.unlink()
    if sys.platform == "linux" and shutil.which("systemctl"):
        _run(["systemctl", "--user", "daemon-reload"])
    return [*told, f"Removed: {path}"]


def state(settings: Settings, name: str) -> list[str]:
    """Say whether the service is installed, and how the system sees it."""
    path, _ = text_of(name, [""], settings.project)
    if not path.exists():
        return [f"No service is installed ({path} is not there). Next: laktasi service install"]
    return [f"Installed: {path}", *(_said(command) for command in _state_commands(name))]


def start_commands(name: str, path: Path) -> list[list[str]]:
    """Give the commands that start what was written, now and at each start of the machine."""
    if sys.platform == "darwin":
        return [["launchctl", "bootstrap", f"gui/{os.getuid()}", str(path)]]
    if sys.platform == "win32":
        return [["schtasks", "/Create", "/TN", name, "/XML", str(path), "/F"], ["schtasks", "/Run", "/TN", name]]
    return [
        ["systemctl", "--user", "daemon-reload"],
        ["systemctl", "--user", "enable", f"{name}.service"],
        ["systemctl", "--user", "restart", f"{name}.service"],
    ]


def stop_commands(name: str, path: Path) -> list[list[str]]:
    """Give the commands that stop it, and keep it from being started again."""
    if sys.platform == "darwin":
        return [["launchctl", "bootout", f"gui/{os.getuid()}", str(path)]]
    if sys.platform == "win32":
        return [["schtasks", "/End", "/TN", name], ["schtasks", "/Delete", "/TN", name, "/F"]]
    return [["systemctl", "--user", "disable", "--now", f"{name}.service"]]


def _state_commands(name: str) -> list[list[str]]:
    if sys.platform == "darwin":
        return [["launchctl", "print", f"gui/{os.getuid()}/{units.launchd_label(name)}"]]
    if sys.platform == "win32":
        return [["schtasks", "/Query", "/TN", name]]
    return [
        ["systemctl", "--user", "is-enabled", f"{name}.service"],
        ["systemctl", "--user", "is-active", f"{name}.service"],
    ]


def _afterwards() -> list[str]:
    """Say what the system needs so that it starts without anybody logging in."""
    if sys.platform != "linux":
        return ["It runs while you are logged in, and starts again when you log in."]
    user = getpass.getuser()
    if Path("/var/lib/systemd/linger", user).exists():
        return ["It runs, and starts with the machine."]
    return [
        "It runs while you are logged in. To have it start with the machine, without anybody logging in:",
        f"  loginctl enable-linger {user}",
    ]


def _not_given(settings: Settings) -> list[str]:
    """Name the settings that stand only in the environment of this terminal: the service has another one."""
    private = read_private_environment(settings.project)
    only_here = sorted(
        name for name in os.environ if name.upper().startswith(PREFIX) and name not in private and _is_lasting(name)
    )
    if not only_here:
        return []
    return [
        f"Only this terminal has {', '.join(only_here)}; the service will not. Next: write them into",
        f"  {private_environment(settings.project)}",
        "  (readable by you alone: mode 600), then: laktasi service install",
    ]


def _is_lasting(name: str) -> bool:
    from laktasi.settings import NOT_SETTINGS

    return not name.upper().startswith(NOT_SETTINGS)


def _check_name(name: str) -> None:
    if not units.NAME.fullmatch(name):
        raise LaktasiError(f"{name!r} is no name of a service", next_step="use small letters, digits and -")


def _encoding() -> str:
    return "utf-16" if sys.platform == "win32" else "utf-8"


def _lines(name: str, path: Path) -> list[str]:
    from shlex import join

    return [f"  {join(command)}" for command in start_commands(name, path)]


def _run(command: Sequence[str]) -> str:
    """Run a command of the system; give why it failed, or nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - ours
    except FileNotFoundError:
        return f"there is no {command[0]} on this machine"
    except subprocess.TimeoutExpired:
        return "no answer"
    return "" if done.returncode == 0 else (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"


def _said(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - ours
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        return f"{' '.join(command)}: {type(error).__name__}"
    return f"{' '.join(command)}: {(done.stdout.strip() or done.stderr.strip())}"
