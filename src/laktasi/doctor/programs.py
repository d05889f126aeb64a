"""The programs: Python, the packages of requirements.lock, DuckDB's extensions, and this checkout itself."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from laktasi.doctor.finding import Finding, of_error, ok, warning, wrong
from laktasi.doctor.patient import Patient
from laktasi.errors import WarehouseError
from laktasi.paths import FLOWS, HOUSE, WAREHOUSE_SQL

PYTHONS = ((3, 11), (3, 14))
"""The first version that works, and the first that is not tried."""
LOCK = HOUSE / "requirements.lock"
INSTALL = "install again what the README says: python -m pip install --require-hashes -r requirements.lock"
NAMED = 5
"""Packages named in a sentence."""

_PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)\s*(?:;\s*(?P<marker>.*?))?\s*\\?")


def look_at_python(_: Patient) -> Iterator[Finding]:
    """Look at Python's version."""
    here = f"Python {sys.version.split()[0]}"
    if PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        yield ok("python", here)
    else:
        yield wrong(
            "python",
            f"{here} is not one of those that laktasi works with (3.11, 3.12, 3.13)",
            "make .venv anew with one of these, as the README says",
        )


def look_at_packages(_: Patient) -> Iterator[Finding]:
    """Compare what is installed with requirements.lock."""
    from importlib.metadata import PackageNotFoundError, version

    if not LOCK.exists():
        yield wrong("packages", "requirements.lock is not beside this program", "take the whole checkout again")
        return
    absent, other, count = [], [], 0
    for name, wanted in pinned(LOCK):
        count += 1
        try:
            here = version(name)
        except PackageNotFoundError:
            absent.append(name)
            continue
        if here != wanted:
            other.append(f"{name} {here} (not {wanted})")
    if absent:
        yield wrong("packages", f"not installed: {_some(absent)}", INSTALL)
    if other:
        yield warning("packages", f"not the versions that were tried together: {_some(other)}", INSTALL)
    if not absent and not other:
        yield ok("packages", f"all {count} are those of requirements.lock")


def pinned(lock: Path) -> Iterator[tuple[str, str]]:
    """Give name and version of each package that the lock names for this machine."""
    from packaging.markers import Marker

    for line in lock.read_text(encoding="utf-8").splitlines():
        found = _PINNED.fullmatch(line)
        if found and (not found["marker"] or Marker(found["marker"]).evaluate()):
            yield found["name"], found["version"]


def look_at_extensions(patient: Patient) -> Iterator[Finding]:
    """Load DuckDB's extensions: the cryptography always, for a key may be given any day."""
    import duckdb

    from laktasi.store.warehouse import load_extension

    names = ["httpfs", *(("ducklake", "postgres_scanner") if patient.folder.lake is not None else ())]
    with duckdb.connect() as con:
        for name in names:
            try:
                load_extension(con, name)
            except WarehouseError as error:
                yield of_error("duckdb", error)
                return
    yield ok("duckdb", f"DuckDB {duckdb.__version__} with {', '.join(names)}")


def look_at_checkout(_: Patient) -> Iterator[Finding]:
    """See that what is read at run time stands beside the code: SQL and flows."""
    for folder in (WAREHOUSE_SQL, FLOWS):
        if not folder.is_dir() or not any(folder.iterdir()):
            yield wrong(
                "checkout",
                f"the folder {folder.name}/ is not beside this program",
                "take the whole checkout again, and install it with: pip install --no-build-isolation --no-deps -e .",
            )
            return
    yield ok("checkout", str(HOUSE))


def _some(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
