"""What takes care of the study day by day: backups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from laktasi.doctor.finding import Finding, ok, warning
from laktasi.doctor.patient import Patient


def look_at_backup_folder(patient: Patient) -> Iterator[Finding]:
    """See that the next backup has somewhere to go."""
    settings = patient.settings
    if settings is not None and settings.backup.folder is not None:
        place = patient.project / settings.backup.folder.expanduser()
        if not place.is_dir():
            yield warning(
                "backup",
                f"there is no folder {place}",
                "plug in the disk that it lies on, or correct backup.folder in laktasi.toml",
            )


def look_at_backups(patient: Patient) -> Iterator[Finding]:
    """See that a backup is young."""
    from laktasi.backing_up import newest_backup

    settings = patient.settings
    if settings is None or not patient.folder.has_begun:
        return
    newest = newest_backup(patient.folder)
    if newest is None:
        yield warning(
            "backup",
            "there is none: what was imported from phones may exist nowhere else",
            "laktasi backup --to FOLDER, on another disk; and name it in laktasi.toml (backup.folder)",
        )
        return
    made_at, path = newest
    days = (patient.now - made_at) // timedelta(days=1)
    if days > settings.notify.backup_days:
        yield warning("backup", f"the newest is {days} days old", "laktasi backup")
    elif not path.exists():
        yield ok("backup", f"the newest is of {made_at.astimezone():%Y-%m-%d}; its disk is not plugged in")
    else:
        yield ok("backup", f"the newest is of {made_at.astimezone():%Y-%m-%d}")
