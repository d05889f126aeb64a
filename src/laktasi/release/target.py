"""The folder of a release: whether it may be replaced, who is writing it, and the one move that replaces it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from laktasi.errors import ReleaseError
from laktasi.release.documents import MANIFEST, MARK, SUMS, sha256
from laktasi.release.files import RESULTS

ANOTHER = "name another folder: --to FOLDER"
_NAMED = 5
"""Files that an error names; it counts the others."""


def place_of(path: Path) -> Path:
    """Give where a release is written: where a link leads, so that the link stays.

    Raises
    ------
    ReleaseError
        The link leads nowhere.
    """
    try:
        return path.resolve(strict=path.is_symlink())
    except (OSError, RuntimeError):  # RuntimeError: links that lead to each other
        raise ReleaseError(f"{path} is a link that leads nowhere", next_step=f"remove the link, or {ANOTHER}") from None


def is_release(folder: Path) -> bool:
    """Say whether a folder has the manifest of a release."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and MARK in manifest


def check_replaceable(target: Path) -> None:
    """Refuse a folder that holds anything that a release did not write there: it would be gone.

    Raises
    ------
    ReleaseError
        It is no release, has further files, or somebody edited one of its own; or it cannot be read.
    """
    try:
        if not target.exists() or (target.is_dir() and not any(target.iterdir())):
            return
        if not target.is_dir() or not is_release(target):
            raise ReleaseError(f"{target} is no release, and would be replaced", next_step=ANOTHER)
        foreign = _foreign(target)
    except OSError as error:
        raise _unusable(target, error) from error
    if foreign:
        more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
        raise ReleaseError(
            f"{target} would be replaced, with what no release wrote there: {', '.join(foreign[:_NAMED])}{more}",
            why=f"They are not in its {SUMS}, or were changed since: a licence, authors in the README, a history.",
            next_step=f"move them elsewhere, or {ANOTHER}",
        )


def _foreign(folder: Path) -> list[str]:
    """Name what is not as the checksums have it; a folder of such files by its own name."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        lines = []
    told = {line[66:]: line[:64] for line in lines}
    folders = {name.partition("/")[0] for name in told if "/" in name} | {RESULTS}
    found = set()
    for path in folder.rglob("*"):
        place = path.relative_to(folder).as_posix()
        top = place.partition("/")[0]
        if path.is_dir() and not path.is_symlink():
            if place not in folders:
                found.add(f"{top}/" if top not in folders else f"{place}/")
        elif place != SUMS and (path.is_symlink() or not path.is_file() or told.get(place) != sha256(path)):
            found.add(f"{top}/" if "/" in place and top not in folders else place)
    return sorted(found)


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """Give a new folder beside a place; it takes that place when all went well, and is gone when not.

    What stood there is moved away first, and put back if the new one cannot take its place. Only one release is
    written to a place at a time.

    Raises
    ------
    ReleaseError
        Another one is being written there, or the place cannot be used.
    """
    with _alone(target):
        _sweep(target)
        check_replaceable(target)
        try:
            new = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.new-"))
        except OSError as error:
            raise _unusable(target, error) from error
        try:
            yield new
            with suppress(PermissionError):  # a disk without rights, such as a memory stick
                new.chmod(0o755)
            check_replaceable(target)  # once more: writing took a while
            _swap(new, target)
        finally:
            shutil.rmtree(new, ignore_errors=True)


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Hold a place: the lock is the operating system's, and dies with the process that holds it."""
    from filelock import FileLock, Timeout

    path = target.with_name(f".{target.name}.lock")
    lock = FileLock(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise ReleaseError(
            f"another release is being written to {target}", next_step=f"wait until it has ended, or {ANOTHER}"
        ) from None
    except OSError as error:
        raise _unusable(target, error) from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: who waits for it sees that it is gone, and makes it anew
        lock.release()


def _unusable(target: Path, error: OSError) -> ReleaseError:
    return ReleaseError(
        f"{target} cannot be made or replaced ({error.strerror})",
        next_step=f"check that the place is yours, or {ANOTHER}",
    )


def _swap(new: Path, target: Path) -> None:
    old = target.with_name(f".{target.name}.old-{new.name.rpartition('-')[2]}")
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _sweep(target: Path) -> None:
    """Put back what a killed release had moved away, and remove what it had not finished."""
    left = _left(target, "old")
    if left and not target.exists():
        left[0].rename(target)
    for folder in (*_left(target, "old"), *_left(target, "new")):
        shutil.rmtree(folder, ignore_errors=True)


def _left(target: Path, kind: str) -> list[Path]:
    found: Iterable[Path] = target.parent.glob(f".{target.name}.{kind}-*")
    return sorted(found)
