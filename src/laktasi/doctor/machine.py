"""This machine: its clock, its disks, and the data folder as a place to work in."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from laktasi.doctor.finding import Finding, ok, warning, wrong
from laktasi.doctor.patient import Patient

GIB = 2**30
ROOM_WRONG = GIB // 4
ROOM_WARNS = 2 * GIB
"""Bytes free. Below the second a run may still end well; below the first it hardly does."""
TIMES_THE_WAREHOUSE = 3
"""A run writes a research copy and a report beside the warehouse, and an update lays out a copy of it."""
AHEAD = timedelta(minutes=5)
"""How far the clock may be behind the newest file before it must have been set back."""
SYNCED = {
    "dropbox": "Dropbox",
    "onedrive": "OneDrive",
    "google drive": "Google Drive",
    "googledrive": "Google Drive",
    "my drive": "Google Drive",
    "icloud": "iCloud",
    "mobile documents": "iCloud",
    "nextcloud": "Nextcloud",
    "owncloud": "ownCloud",
    "syncthing": "Syncthing",
}
"""Beginnings of folders' names, in small letters, and who keeps such a folder on a server."""
CANNOT_LOCK = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def look_at_clock(patient: Patient) -> Iterator[Finding]:
    """See that the clock is not behind what was written here already. A Central's clock is compared elsewhere."""
    known = (patient.folder.warehouse, patient.folder.research, patient.folder.last_backup)
    newest = max((path.stat().st_mtime for path in known if path.exists()), default=0.0)
    ahead = datetime.fromtimestamp(newest, UTC) - patient.now
    if ahead > AHEAD:
        yield wrong(
            "clock",
            f"this machine's clock stands {_long(ahead)} before the newest file in the data folder was written:"
            " it was set back",
            "set it by the network's time; runs made meanwhile bear wrong times, and nothing is lost",
        )
    else:
        yield ok("clock", f"{patient.now.astimezone():%Y-%m-%d %H:%M}")


def look_at_time_zone(patient: Patient) -> Iterator[Finding]:
    """Say which time zone this machine keeps: a person sees whether it is theirs."""
    here = patient.now.astimezone()
    name, offset = here.tzname() or "", here.utcoffset() or timedelta()
    hours = f"{here:%z}"
    if not offset and name in ("UTC", "", "Coordinated Universal Time"):  # the last is Windows' word for it
        yield warning(
            "time zone",
            "this machine keeps UTC, as one does whose time zone was never set",
            "set it in the system's settings (timedatectl set-timezone Asia/Makassar), if yours is another",
        )
    else:
        yield ok("time zone", f"{name} (UTC{hours[:3]}:{hours[3:]})")


def look_at_room(patient: Patient) -> Iterator[Finding]:
    """Look at the room on the disks of the data folder, of backups and of temporary files."""
    warehouse = patient.folder.warehouse
    size = warehouse.stat().st_size if warehouse.exists() else 0
    places = {"disk: data folder": patient.folder.root, "disk: temporary": Path(tempfile.gettempdir())}
    if patient.settings is not None and patient.settings.backup.folder is not None:
        places["disk: backups"] = patient.project / patient.settings.backup.folder.expanduser()
    for name, place in places.items():
        if name == "disk: backups" and not place.exists():
            continue  # said by the backups
        free = shutil.disk_usage(_there(place)).free
        wanted = max(ROOM_WARNS, TIMES_THE_WAREHOUSE * size) if name == "disk: data folder" else ROOM_WARNS
        if free >= wanted:
            yield ok(name, f"{free / GIB:.0f} GiB free")
            continue
        said = f"{free / GIB:.1f} GiB free at {place}, and {wanted / GIB:.1f} GiB are wanted"
        yield (wrong if free < ROOM_WRONG else warning)(
            name, said, "free some space, or move the folder to another disk"
        )


def look_at_data_folder(patient: Patient) -> Iterator[Finding]:
    """See that the data folder can be written in and locked, and that nobody else may read it."""
    root = patient.folder.root
    name = "data folder"
    if aside := patient.folder.put_aside:
        yield wrong(
            name,
            f"{root} is not in its place: laktasi restore was broken off. It stands beside it, whole: {aside}",
            f"run laktasi restore again as it was typed; or rename that folder to {root.name}",
        )
        return
    if not root.exists():
        yield ok(name, f"{root} is not there yet: the first run makes it")
        return
    if not root.is_dir():
        yield wrong(name, f"{root} is a file", "name another folder: data in laktasi.toml, or --data FOLDER")
        return
    try:
        with tempfile.NamedTemporaryFile(dir=root, prefix=".doctor-") as file:
            file.write(b"x" * 4096)
            file.flush()
    except OSError as error:
        yield wrong(
            name,
            f"nothing can be written in {root} ({error.strerror})",
            "free some space on its disk"
            if error.errno == errno.ENOSPC
            else "see that the folder is yours, and that its disk is not write-protected or plugged out",
        )
        return
    if (found := _unlockable(root)) is not None:
        yield found
    elif os.name == "posix" and (readable := _readable(patient)):
        say = wrong if patient.folder.warehouse.exists() else warning
        yield say(name, f"others may read {', '.join(map(str, readable))}", f"chmod -R go-rwx {root}")
    else:
        yield ok(name, str(root))


def look_at_cloud(patient: Patient) -> Iterator[Finding]:
    """See that no cloud's program copies the data folder: it would send names away, and spoil files that are open."""
    for part in patient.folder.root.resolve().parts:
        for beginning, who in SYNCED.items():
            if part.lower().lstrip(".").startswith(beginning):
                yield warning(
                    "cloud",
                    f"the data folder lies in {part}, which {who} seems to copy: private data would leave this machine,"
                    " and a file that is copied while a run writes it comes back spoiled",
                    'name a folder outside it: data = "…" in laktasi.toml, and move the data folder there',
                )
                return


def _unlockable(root: Path) -> Finding | None:
    """Hold a lock twice: where both are given, two runs would work side by side."""
    from filelock import FileLock, Timeout

    said = ""
    with tempfile.TemporaryDirectory(dir=root, prefix=".doctor-") as folder:
        place = Path(folder) / "lock"
        try:
            with FileLock(place, timeout=0), FileLock(place, timeout=0, is_singleton=False):
                said = "a lock is given to two at once"
        except Timeout:
            return None
        except (OSError, NotImplementedError) as error:
            said = f"it has no locks ({getattr(error, 'strerror', None) or type(error).__name__})"
    return wrong(
        "data folder",
        f"the file system of {root} cannot keep two runs apart: {said}",
        "put the data folder on a disk of this machine: data in laktasi.toml, or --data FOLDER",
    )


def _readable(patient: Patient) -> list[Path]:
    """Give what others may read of what is private. Where nobody else may enter the folder, nothing in it can be."""
    folder = patient.folder
    if not _is_open(folder.root):
        return []
    private = (folder.warehouse, folder.secret, folder.attachments, folder.refused, folder.tokens, folder.fieldwork)
    return [folder.root, *(path for path in private if path.exists() and _is_open(path))]


def _is_open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _there(place: Path) -> Path:
    """Give the nearest folder above that exists: where something would be made."""
    return next(path for path in (place, *place.resolve().parents) if path.exists())


def _long(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    for size, unit in ((60 * 24, "days"), (60, "hours")):
        if minutes >= 2 * size:
            return f"{minutes // size} {unit}"
    return f"{minutes} minutes"
