"""Where things stand on disk: the house (this code), a project (what is asked), and its data (what came of it)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.errors import WarehouseError

if TYPE_CHECKING:
    from pydantic import SecretStr

HOUSE = Path(__file__).resolve().parents[2]
"""The checkout that this code runs from: holds warehouse/ and flows/, and is the default project."""

WAREHOUSE_SQL = HOUSE / "warehouse"
FLOWS = HOUSE / "flows"

BEFORE_RESTORE = "-before-restore-"
"""Between the name of a data folder that ``laktasi restore --aside`` moved aside, and when."""


_DERIVED = (
    "laktasi analyse --as-of made this folder of what another data folder knew by then.\n"
    "Commands that read may be given it (--data); what writes belongs into the other one. It may be deleted.\n"
)


def keep_private(path: Path) -> None:
    """Let nobody but its owner read a file or folder, where its file system knows rights: memory sticks do not."""
    with suppress(PermissionError):
        path.chmod(0o700 if path.is_dir() else 0o600)


@dataclass(frozen=True, slots=True)
class Project:
    """What a data manager edits: questionnaires and what must hold of them."""

    root: Path

    @property
    def xlsforms(self) -> Path:
        """Folder of the XLSForms; media of ``x.xlsx`` lie in ``x-media/`` beside it."""
        return self.root / "xlsforms"

    @property
    def study(self) -> Path:
        """Roles, orderings and analyses; a project without it has no Kendall part."""
        return self.root / "schemas" / "study.yml"

    @property
    def checks(self) -> Path:
        """The checks that the form cannot say."""
        return self.root / "schemas" / "checks.yml"

    @property
    def gates(self) -> Path:
        """Which findings keep a record out, and which stop the publication."""
        return self.root / "schemas" / "gates.yml"

    @property
    def targets(self) -> Path:
        """How many records each health centre is to bring in."""
        return self.root / "schemas" / "targets.csv"

    @property
    def back_checks(self) -> Path:
        """Which interviews are repeated, and how both are compared."""
        return self.root / "schemas" / "back_checks.yml"

    @property
    def release(self) -> Path:
        """What may go out, and in what shape."""
        return self.root / "schemas" / "release.yml"

    @property
    def corrections(self) -> Path:
        """Folder of people's decisions about records."""
        return self.root / "schemas" / "corrections"

    @property
    def timetable(self) -> Path:
        """Which runs happen when; without it those of the checkout's own prefect.yaml."""
        return self.root / "prefect.yaml"

    @property
    def settings_file(self) -> Path:
        """The project's settings."""
        return self.root / "laktasi.toml"


@dataclass(frozen=True, slots=True)
class Lake:
    """Where a private warehouse stands that several workers share: DuckLake, a catalogue and Parquet files."""

    catalog: str
    """What the catalogue's database is reached by: words for libpq, without a password; or a DuckDB file's path."""
    is_postgres: bool
    """Whether it is a PostgreSQL database: only there several workers may be at work at once."""
    schema: str
    """Schema of the catalogue's tables in that database: one for each lake."""
    data: str
    """Where the Parquet files lie: a folder, or ``s3://bucket/prefix``."""
    files: Path | None = None
    """A folder that all workers see, for attachments and the project's secret; None: the data folder."""
    keep_days: int = 7
    """Days after which rows that were replaced or deleted leave the files."""
    password: SecretStr | None = field(default=None, repr=False, compare=False)
    """Of the catalogue; None leaves it to PGPASSWORD and PGPASSFILE."""
    s3: Mapping[str, str | bool | SecretStr] = field(default_factory=dict, repr=False, compare=False)
    """Options of DuckDB's secret of type s3, by name."""

    @property
    def name(self) -> str:
        """What to call it where people read it: the catalogue's place has no business there."""
        return f"lake {self.schema!r}"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """What the runs make.

    `research` and `report` are the team's, `release` may go out; everything else is private to its owner.
    """

    root: Path
    origin: Path | None = None
    """The data folder that this one is derived from: attachments, refused files and the secret stand there alone."""
    key: SecretStr | None = field(default=None, repr=False, compare=False)
    """What the private files are encrypted with; None where they are plain."""
    lake: Lake | None = None
    """Where the private warehouse stands that is shared by several workers; None: in a file of this folder."""

    @property
    def has_begun(self) -> bool:
        """Whether there is a warehouse. A lake is set up on purpose, so there is one from then on."""
        return self.lake is not None or self.warehouse.exists()

    @property
    def shared(self) -> Path:
        """Where what there must be once only stands: attachments, refused files and the secret."""
        return self.origin or (self.lake and self.lake.files) or self.root

    def make(self) -> None:
        """Make the folder, private to the user, where it does not exist; so are those above it that are made with it.

        Raises
        ------
        WarehouseError
            It cannot be made, or a file has its name.
        """
        try:
            lacking = [folder for folder in (self.root, *self.root.parents) if not folder.exists()]
            for folder in (*reversed(lacking), self.root):  # `parents=True` would leave those above open to all
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise WarehouseError(
                f"the data folder {self.root} cannot be made ({error.strerror})",
                next_step="check that the place is yours and no file has that name; --data FOLDER names another",
            ) from error

    @property
    def derived_mark(self) -> Path:
        """Says that this folder is derived from another one, wherever it is moved to and by whatever name it is called.

        Such a folder is read, and never worked in as if it were a data folder itself: it would make a second secret.
        """
        return self.root / "DERIVED.txt"

    def mark_derived(self) -> None:
        """Make the folder and the mark in it."""
        self.make()
        self.derived_mark.write_text(_DERIVED, encoding="utf-8")

    @property
    def made_anew(self) -> str | None:
        """What to do where something in it is spoiled, in words, if it can be made anew; None where it cannot."""
        if not self.derived_mark.exists():
            return None
        return f"delete {self.root}, then run the command again: it is a copy, and the data folder is as it was"

    def check_own(self) -> None:
        """Refuse a folder that is derived from another one, unless that one is known.

        Raises
        ------
        WarehouseError
            It is derived; or it is not in its place, see :meth:`check_in_place`.
        """
        self.check_in_place()
        if self.origin is None and self.derived_mark.exists():
            raise WarehouseError(
                f"{self.root} holds an analysis of what was known by then: it is there to be read",
                why="With a secret key of its own, what is hashed or released here would not fit what the data folder"
                " made: the dates of two releases by two keys tell the true ones.",
                next_step="work in the data folder that it was made from: leave --data out, or name that one",
            )

    @property
    def being_restored(self) -> Path:
        """Where a backup is built that is put back: beside the place that it is moved to when it is whole."""
        root = self.root.resolve()
        return root.with_name(f".{root.name}.restoring")

    @property
    def put_aside(self) -> Path | None:
        """What stood here before a backup that was to take its place, and did not: it was killed between two moves."""
        root = self.root.resolve()
        if root.exists() or not self.being_restored.exists():
            return None
        return max(root.parent.glob(f"{escape(root.name)}{BEFORE_RESTORE}*"), default=None)

    def check_in_place(self) -> None:
        """Refuse to begin anew where a folder stood that a restore put aside.

        Raises
        ------
        WarehouseError
            A restore was killed between the two moves; the error says where the folder is.
        """
        if aside := self.put_aside:
            raise WarehouseError(
                f"the data folder {self.root} is not in its place: laktasi restore was broken off",
                why=f"Nothing is lost. It stands beside it, whole: {aside}",
                next_step=f"run laktasi restore again as it was typed; or rename that folder to {self.root.name}",
            )

    @property
    def prefect(self) -> Path:
        """Prefect's home, where a command starts a server of its own."""
        return self.root / "prefect"

    @property
    def warehouse(self) -> Path:
        """The private warehouse. Only runs open it."""
        return self.root / "warehouse.duckdb"

    @property
    def research(self) -> Path:
        """The de-identified copy that people open."""
        return self.root / "research.duckdb"

    @property
    def report(self) -> Path:
        """The report."""
        return self.root / "report" / "index.html"

    @property
    def release(self) -> Path:
        """What can be archived and given to others."""
        return self.root / "release"

    @property
    def attachments(self) -> Path:
        """Attachments by the SHA-256 of their content."""
        return self.shared / "attachments"

    @property
    def refused(self) -> Path:
        """Files that could not be taken in, kept aside by the SHA-256 of their content."""
        return self.shared / "refused"

    @property
    def secret(self) -> Path:
        """The project's secret: the key of hashes that stand for direct identifiers. Never leaves the private side."""
        return self.shared / "secret.key"

    @property
    def manifests(self) -> Path:
        """What each run read, used and found, by run. The team's: it has the results of small health centres."""
        return self.root / "manifests"

    @property
    def as_of(self) -> Path:
        """Analyses of what was known at an earlier moment, each in a data folder of its own."""
        return self.root / "as-of"

    @property
    def tokens(self) -> Path:
        """Sessions on Central servers, one file for each server and user."""
        return self.root / "tokens"

    @property
    def fieldwork(self) -> Path:
        """What is printed for the field: enumerators' sheets with their keys, and their to-do lists. Private."""
        return self.root / "fieldwork"

    @property
    def messages(self) -> Path:
        """What people have been told, and messages that wait to be sent. Private."""
        return self.root / "messages"

    @property
    def key_change(self) -> Path:
        """Says that ``laktasi key change`` has begun here, and not ended."""
        return self.root / "KEY-CHANGE.txt"

    @property
    def scratch(self) -> Path:
        """Temporary files of the run that is working; empty otherwise."""
        return self.root / "scratch"

    @property
    def before_lake(self) -> Path:
        """What stood here before ``laktasi lake move``: a warehouse that no run keeps up, with everybody's answers."""
        return self.root / "before-lake"

    @property
    def without_forgotten(self) -> Path:
        """Says, where workers share a lake, of whom the files of this folder alone have been freed."""
        return self.root / "without-forgotten.txt"

    @property
    def lock(self) -> Path:
        """Held by the one run that may write."""
        return self.root / "run.lock"

    @property
    def turn(self) -> Path:
        """Held while the warehouse is being opened, and by a backup as long as it copies it: who holds it is next."""
        return self.root / "turn.lock"

    @property
    def backup_lock(self) -> Path:
        """Held by the one backup that is being made, and by what takes files away or rewrites them."""
        return self.root / "backup.lock"

    @property
    def last_backup(self) -> Path:
        """When the newest backup was made, and where."""
        return self.root / "last_backup.json"
