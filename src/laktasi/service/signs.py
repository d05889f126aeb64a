"""What can be seen on this machine without asking Prefect."""

from __future__ import annotations

import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

from laktasi.paths import DataFolder
from laktasi.service.place import HOST


def last_whole_run(folder: DataFolder) -> datetime | None:
    """Give when the last run that went the whole way ended, by hand or not; None where none did.

    A whole run leaves a manifest when it is closed, and after that the report.
    """
    closed_at = max((path.stat().st_mtime for path in folder.manifests.glob("*.json")), default=None)
    if closed_at is None or not folder.report.exists() or folder.report.stat().st_mtime < closed_at:
        return None
    return datetime.fromtimestamp(closed_at, UTC)


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
