"""What can be seen on this machine without asking Prefect."""

from __future__ import annotations

import json
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

from laktasi.paths import DataFolder
from laktasi.service.place import HOST

SOURCES = frozenset({"phones", "central"})
"""Steps without which a run has not gone the whole way: others only work again on what has landed."""


def last_whole_run(folder: DataFolder, since: datetime) -> datetime | None:
    """Give when the last run that went the whole way ended, by hand or not; None where none did.

    A whole run leaves a manifest when it is closed, which says that the sources were asked, and after that the report.

    Parameters
    ----------
    since
        Earlier runs are not looked at: there may be thousands of manifests.
    """
    try:
        reported_at = folder.report.stat().st_mtime
        # Other files there, such as what was forgotten, are not named by a run's moment.
        found = [(path.stat().st_mtime, path) for path in folder.manifests.glob("[0-9]*.json")]
    except FileNotFoundError:  # no report yet, or a manifest that was taken away meanwhile
        return None
    for closed_at, path in sorted(found, reverse=True):
        if closed_at < since.timestamp():
            break
        if closed_at <= reported_at and _has_asked_sources(path):
            return datetime.fromtimestamp(closed_at, UTC)
    return None


def _has_asked_sources(manifest: Path) -> bool:
    try:
        read = json.loads(manifest.read_text(encoding="utf-8"))
        return set(read["asked"]) >= SOURCES
    except (OSError, ValueError, LookupError, TypeError):  # torn, or of an older laktasi: run once more than once less
        return False


def is_held(lock: Path) -> bool:
    """Say whether a run is at work in the data folder."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def is_taken(port: int) -> bool:
    """Say whether a port of this machine is taken by another program."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":  # there it would let two programs share a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False
