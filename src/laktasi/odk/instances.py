"""What was copied from phones: any number of Collect's project folders, nested, partly copied, half-finished.

Collect keeps ``instances/<name>/<name>.xml`` with its attachments beside it, ``forms/<name>.xml`` with
``<name>-media/``, and ``metadata/instances.db``. People copy all of that or parts of it, rename it and zip it; so every
XML file is looked at, and what it is, it says itself.
"""

from __future__ import annotations

import os
import re
import tempfile
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from laktasi.errors import SourceError
from laktasi.odk.archive import unpack
from laktasi.odk.collect_db import NOTHING_KNOWN, State, read_states
from laktasi.odk.envelope import Envelope, FormHead, RefusedError, read_document
from laktasi.odk.files import check_name, is_ignored, printable, read_plain
from laktasi.records import Attachment, FieldedForm, Refused, Submission

SOURCE = "phones"
MEDIA_SUFFIX = "-media"
MAX_MEDIA_BYTES = 64 * 2**20
# Collect writes into a form's media folder too: the answers last given, and CSV files turned into databases.
COLLECTS_OWN_MEDIA = ("last-saved.xml",)
COLLECTS_OWN_SUFFIXES = (".db", ".db-journal", ".db-wal", ".db-shm", ".imported")

Item = Submission | Refused | FieldedForm
Progress = Callable[[str, int, int | None], None]


def read_folder(folder: Path, *, progress: Progress | None = None) -> Iterator[Item]:
    """Read what was copied from phones.

    Items come in the order of their paths, one submission in memory at a time. Links are never followed. Files of an
    item (attachments, refused files) are there until the next item is asked for: those of a zip are deleted at the end.

    Parameters
    ----------
    folder
        A folder, or a zip of one. Zips inside a folder are opened too.
    progress
        Called with what is being done and how many items were read.

    Raises
    ------
    SourceError
        It does not exist, cannot be read, is a zip that cannot be unpacked, or holds nothing like a submission.
    """
    try:
        folder = folder.resolve(strict=True)
        if folder.is_dir():
            os.scandir(folder).close()
    except FileNotFoundError:
        raise SourceError(
            f"{folder} does not exist", next_step="check the path; is the card or phone still connected?"
        ) from None
    except OSError as error:
        raise SourceError(
            f"{folder} cannot be read ({error.strerror})",
            next_step="correct the folder's rights, or copy it to a place of your own and import that",
        ) from None
    if not folder.is_dir() and folder.suffix.lower() != ".zip":
        raise SourceError(
            f"{folder.name} is neither a folder nor a zip",
            next_step="give the folder that was copied from the phones, or a .zip of it",
        )
    return _count(folder, progress)


def _count(folder: Path, progress: Progress | None) -> Iterator[Item]:
    number = 0
    for number, item in enumerate(_read(folder), start=1):
        if progress:
            progress(f"reading {folder.name}", number, None)
        yield item
    if not number:
        raise SourceError(
            f"{folder.name} holds nothing like a submission",
            why="No XML file was found in it or below it.",
            next_step="copy the folder instances/ of ODK Collect (and metadata/ beside it), and import the copy",
        )


def _read(folder: Path) -> Iterator[Item]:
    if folder.is_dir():
        yield from _Walk(folder).items()
        return
    try:
        yield from _read_zip(folder, "")
    except RefusedError as refusal:
        raise SourceError(
            f"{folder.name}: {refusal.reason}",
            next_step="copy it again from where it came, or unpack it yourself and import the folder",
        ) from None


def _read_zip(archive: Path, prefix: str) -> Iterator[Item]:
    with tempfile.TemporaryDirectory(prefix="laktasi-") as scratch:  # mode 0700
        yield from (
            Refused(refused.path, prefix + refused.name, refused.reason) for refused in unpack(archive, Path(scratch))
        )
        yield from _Walk(Path(scratch), prefix, is_unpacked=True).items()


class _Walk:
    """One walk through a folder.

    Parameters
    ----------
    root
        The folder.
    prefix
        Put before names of refused files: the archive that the folder was unpacked from.
    is_unpacked
        It was unpacked from an archive; archives in it stay closed.
    """

    def __init__(self, root: Path, prefix: str = "", *, is_unpacked: bool = False) -> None:
        self._root = root
        self._prefix = prefix
        self._is_unpacked = is_unpacked
        self._states: Mapping[str, State] = {}
        self._states_of: Path | None = None
        self._told: set[Path] = set()

    def items(self) -> Iterator[Item]:
        """Give all that is in the folder."""
        unopened: list[OSError] = []
        for base, names, files in os.walk(self._root, onerror=unopened.append):
            folder = Path(base)
            names[:] = sorted(name for name in names if not is_ignored(name))
            for link in [name for name in names if (folder / name).is_symlink()]:
                names.remove(link)
                yield self._refused(folder / link, "a link to another place, not a folder")
            # A form's media belong to the form.
            names[:] = [name for name in names if not name.endswith(MEDIA_SUFFIX)]
            yield from self._folder(folder, sorted(name for name in files if not is_ignored(name)))
        for error in unopened:
            yield self._refused(Path(error.filename), f"this folder cannot be opened ({error.strerror})")

    def _folder(self, folder: Path, names: Sequence[str]) -> Iterator[Item]:
        documents = [name for name in names if name.lower().endswith(".xml")]
        others = [name for name in names if name not in documents]
        own = f"{folder.name}.xml"
        is_instance = own in documents or (_is_instances(folder.parent) and len(documents) <= 1)
        if is_instance:
            main = own if own in documents else next(iter(documents), None)
            rest = [name for name in documents if name != main]
            yield from self._instance(folder, main, rest, others)
            return
        for name in documents:
            yield from self._document(folder / name, others)
        for name in others:
            if name.lower().endswith(".zip"):
                yield from self._archive(folder / name)

    def _instance(
        self, folder: Path, main: str | None, documents: Sequence[str], others: Sequence[str]
    ) -> Iterator[Item]:
        """Read an instance's own folder: all that is no submission in it is an attachment."""
        lone = [name for name in documents if _is_document(folder / name)]
        files = [name for name in (*others, *documents) if name not in lone]
        if main is None:
            yield from self._orphans(folder, files)
        else:
            yield from self._document(folder / main, files, is_own=True)
        for name in lone:
            yield from self._document(folder / name, ())

    def _document(self, path: Path, files: Sequence[str], *, is_own: bool = False) -> Iterator[Item]:
        """Read an XML file; of `files` in its folder it takes all (`is_own`) or those that it names."""
        try:
            payload = read_plain(path)
            document = read_document(payload)
            if isinstance(document, Envelope):
                check_name(path.name)
        except RefusedError as refusal:
            yield self._refused(path, refusal.reason)
            if is_own:
                yield from self._orphans(path.parent, files)
            return
        if isinstance(document, FormHead):
            yield from self._form(path, payload)
            return
        yield from self._look_up(path.parent.parent)
        attachments = []
        for name in files if is_own else _named(payload, files):
            try:
                check_name(name)
                if (path.parent / name).is_symlink():
                    raise RefusedError("a link to another place, not a file")
            except RefusedError as refusal:
                yield self._refused(path.parent / name, refusal.reason)
            else:
                attachments.append(Attachment(name, path.parent / name))
        state = self._states.get(f"{path.parent.name}/{path.name}", NOTHING_KNOWN)
        yield Submission(
            form_id=document.form_id,
            form_version=document.form_version,
            instance_id=document.instance_id,
            deprecated_id=document.deprecated_id,
            payload=payload,
            status=state.status,
            source=SOURCE,
            changed_at=state.changed_at,
            attachments=tuple(attachments),
        )

    def _form(self, path: Path, xform: bytes) -> Iterator[Item]:
        media = {}
        folder = path.with_name(path.stem + MEDIA_SUFFIX)
        names = sorted(item.name for item in os.scandir(folder)) if folder.is_dir() and not folder.is_symlink() else []
        for name in names:
            if is_ignored(name) or name in COLLECTS_OWN_MEDIA or name.endswith(COLLECTS_OWN_SUFFIXES):
                continue
            try:
                check_name(name)
                media[name] = read_plain(folder / name, limit=MAX_MEDIA_BYTES)
            except RefusedError as refusal:
                yield self._refused(folder / name, refusal.reason)
        yield FieldedForm(xform=xform, media=media, source=SOURCE)

    def _archive(self, path: Path) -> Iterator[Item]:
        if self._is_unpacked:
            yield self._refused(path, "an archive inside an archive: unpack it yourself")
            return
        try:
            yield from _read_zip(path, f"{self._name(path)}/")
        except RefusedError as refusal:
            yield self._refused(path, refusal.reason)

    def _orphans(self, folder: Path, names: Sequence[str]) -> Iterator[Refused]:
        for name in names:
            yield self._refused(folder / name, "a file of a submission whose XML is missing or was refused")

    def _look_up(self, instances: Path) -> Iterator[Refused]:
        """Read Collect's list beside an ``instances/`` folder; it says nothing of what lies anywhere else."""
        if instances == self._states_of:
            return
        self._states, self._states_of = {}, instances
        database = instances.parent / "metadata" / "instances.db"
        if not _is_instances(instances) or database.parent.is_symlink() or not database.exists():
            return
        try:
            self._states = read_states(database)
        except RefusedError as refusal:
            if database not in self._told:
                reason = f"{refusal.reason}; so whether the instances beside it are drafts is not known"
                yield self._refused(database, reason)
            self._told.add(database)

    def _refused(self, path: Path, reason: str) -> Refused:
        return Refused(path, self._prefix + self._name(path), reason)

    def _name(self, path: Path) -> str:
        return printable(path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else path.name)


def _is_instances(folder: Path) -> bool:
    return folder.name.lower() == "instances"


def _is_document(path: Path) -> bool:
    try:
        read_document(read_plain(path))
    except RefusedError:
        return False
    return True


def _named(payload: bytes, names: Sequence[str]) -> list[str]:
    """Give those of the file names that a node of the payload holds."""
    if not names:
        return []
    text = payload.decode("utf-16" if payload[:2] in (BOM_UTF16_LE, BOM_UTF16_BE) else "utf-8", "replace")
    values = set(re.findall(r">([^<>]+)<", text))
    return [name for name in names if name in values]
