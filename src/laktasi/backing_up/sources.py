"""What is in a backup: all of the data folder that cannot be made again, and the project's own files."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from laktasi.backing_up.shape import DATA, PROJECT
from laktasi.paths import DataFolder, Project

_KEY_SIZE = 1 << 12
"""Bytes up to which a file is looked at whether it is the key."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be kept."""

    place: str
    path: Path
    size: int


def sources(folder: DataFolder, project: Project, left_out: list[str]) -> list[Source]:
    """List the files to be kept beside the warehouse.

    Left out without a word is what a run or a command makes again (the research copy, the report, earlier analyses),
    and what is of this machine alone (Prefect's home, what `laktasi up` knows, sessions on Central, temporary files,
    locks). Whatever else lies in the data folder is kept: nobody knows what it is worth.

    Parameters
    ----------
    left_out
        Places are added of what else is not kept: links that lead nowhere, devices, and the key itself.
    """
    found = list(_walk(DATA, folder.root, left_out, _made_again(folder)))
    if folder.shared != folder.root:
        for path in (folder.attachments, folder.refused, folder.secret):
            found += _walk(f"{DATA}/{path.name}", path, left_out)
    for path in (project.xlsforms, project.study.parent, project.settings_file, project.timetable):
        found += _walk(f"{PROJECT}/{path.name}", path, left_out)
    key = folder.key.get_secret_value().strip().encode() if folder.key else None
    kept = []
    for one in found:
        if key and one.size <= _KEY_SIZE and key in one.path.read_bytes():
            left_out.append(f"{one.place} (it holds the key)")
        else:
            kept.append(one)
    return sorted(kept, key=lambda one: one.place)


def folders_of(folder: DataFolder, project: Project) -> list[Path]:
    """Give the folders that are read: no backup may lie in one of them."""
    return [folder.root, folder.attachments, project.xlsforms, project.study.parent]


def _made_again(folder: DataFolder) -> set[Path]:
    """Give what lies in the data folder and is not kept; the warehouse, file or lake, has a way of its own."""
    from laktasi.service.place import Place

    made = {folder.report.parent, folder.as_of, folder.scratch, folder.before_lake}
    made |= {folder.prefect, Place(folder).root, folder.tokens, folder.last_backup}
    if folder.lake is not None:
        made |= {Path(folder.lake.catalog), Path(folder.lake.data)}
    files = (folder.warehouse.name, folder.research.name)
    return made | {path for path in folder.root.iterdir() if path.name.startswith(files) or path.suffix == ".lock"}


def _walk(place: str, path: Path, left_out: list[str], without: Collection[Path] = ()) -> Iterator[Source]:
    """Give the files below a path; links are followed, but not back to where they came from."""
    if path.is_dir():
        inside = path.resolve()
        for one in sorted(path.iterdir()):
            if one in without or one.name.startswith((".", "~$")):  # ours, or an editor's, and not yet whole
                continue
            if one.is_symlink() and one.is_dir() and inside.is_relative_to(one.resolve()):
                left_out.append(f"{place}/{one.name} (a link back)")
                continue
            yield from _walk(f"{place}/{one.name}", one, left_out, without)
    elif path.is_file():
        yield Source(place, path, path.stat().st_size)
    elif path.exists() or path.is_symlink():
        left_out.append(f"{place} (no plain file)")
