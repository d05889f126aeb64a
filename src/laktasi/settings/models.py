"""What the settings are: each with its type, its default and the remark that stands in laktasi.toml.

Secrets are ``SecretStr``: they print as stars.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from laktasi.errors import SettingsError
from laktasi.paths import HOUSE, DataFolder, Project
from laktasi.settings.central import CentralSettings
from laktasi.settings.key_file import SHORTEST
from laktasi.settings.lake import LakeSettings

PREFIX = "LAKTASI_"
ALONE = "central"
"""Name of the source that ``[central]`` itself describes, where it has no named ones."""
NAME = re.compile(r"[a-z][a-z0-9_]*")


class FeedbackSettings(BaseModel):
    """What is said back to Central about findings."""

    model_config = ConfigDict(extra="forbid")

    severities: tuple[Literal["error", "warning"], ...] = Field(default=("error",), description="Findings to send.")
    at_most: int = Field(default=200, ge=1, description="Records written to in one run; the rest wait for the next.")
    send: bool = Field(default=False, description="Let scheduled runs write; otherwise they only say what they would.")


class UpSettings(BaseModel):
    """What `laktasi up` brings up on this machine."""

    model_config = ConfigDict(extra="forbid")

    port: int = Field(default=4200, ge=1024, le=65535, description="Port of Prefect's page, on this machine only.")
    timezone: str | None = Field(default=None, description="Of all times in prefect.yaml, if not as they say.")

    @field_validator("timezone")
    @classmethod
    def _known(cls, given: str | None) -> str | None:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            return given if given is None else ZoneInfo(given).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no time zone; write one like Asia/Jakarta") from None


Matter = Literal["failure", "gate", "adverse", "silent", "unreached", "backup", "daily"]
"""What people are told of, see docs/notifications.md."""


class BackupSettings(BaseModel):
    """Where backups go, and how many of them stay there."""

    model_config = ConfigDict(extra="forbid")

    folder: Path | None = Field(default=None, description="Folder for backups: on another disk, a stick, a server.")
    keep: int = Field(default=14, ge=1, description="Newest backups that stay; beside them one of each of 12 months.")


class NotifySettings(BaseModel):
    """Who is told of what, without asking. Addresses hold passwords, so they never stand in the file."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    to: SecretStr | None = Field(default=None, description="LAKTASI_NOTIFY__TO: addresses, with spaces between them.")
    on: tuple[Matter, ...] = Field(default=get_args(Matter), description="What to tell of.")
    by_hand: bool = Field(default=False, description="Tell after runs that somebody started by hand, too.")
    unreached_days: int = Field(default=3, ge=1, description="Days without reaching a source before it is told.")
    backup_days: int = Field(default=7, ge=1, description="Age in days at which the newest backup is told as too old.")


class Settings(BaseSettings):
    """What a run needs to know."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", hide_input_in_errors=True
    )

    project: Path = Field(default=HOUSE, description="Folder with xlsforms/ and schemas/. Given, never read.")
    data: Path = Field(default=Path("data"), description="Folder for the warehouse and the report, below the project.")
    key: SecretStr | None = Field(
        default=None, min_length=SHORTEST, description="LAKTASI_KEY: what the data folder is encrypted with."
    )
    key_file: Path | None = Field(default=None, description="File with that key, kept apart from the data folder.")
    phones: tuple[Path, ...] = Field(default=(), description="Folders copied from phones, taken in at every run.")
    central: dict[str, CentralSettings] = Field(default={}, description="Projects on ODK Central, by a name of yours.")
    feedback: FeedbackSettings = Field(default=FeedbackSettings(), description="What is said back to Central.")
    backup: BackupSettings = Field(default=BackupSettings(), description="Where backups go, and how many stay.")
    warehouse: Literal["duckdb", "ducklake"] = Field(
        default="duckdb", description="A file in the data folder, or a lake that several workers share."
    )
    lake: LakeSettings = Field(default=LakeSettings(), validate_default=True, description="Where that lake is.")
    up: UpSettings = Field(default=UpSettings(), description="What runs every day by itself.")
    notify: NotifySettings = Field(default=NotifySettings(), description="Who is told of what, without asking.")
    language: Literal["id", "en"] = Field(default="en", description="Language of messages and lists.")
    exact_max_n: int = Field(
        default=30, ge=3, le=60, description="Largest n for which p is exact even where that takes a while."
    )
    monte_carlo_draws: int = Field(
        default=10_000, ge=1_000, le=1_000_000, description="Arrangements to sample where p is not exact."
    )
    seed: int = Field(default=20260301, ge=0, description="Whatever is drawn by chance in an analysis rests on it.")

    @field_validator("central", mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        """Give ``[central]`` as named sources: what stands beside the names holds for each of them."""
        if not isinstance(given, dict):
            return given
        named = {name: value for name, value in given.items() if isinstance(value, dict | CentralSettings)}
        shared = {name: value for name, value in given.items() if name not in named}
        if not named:
            return {ALONE: shared} if shared else {}
        return {
            name: value if isinstance(value, CentralSettings) else {**shared, **value} for name, value in named.items()
        }

    @field_validator("central")
    @classmethod
    def _apart(cls, central: dict[str, CentralSettings]) -> dict[str, CentralSettings]:
        """Refuse what would be read twice, and a password that would go to a server it is not for."""
        for name in central:
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a source: small letters, digits and _")
        seen: dict[str, str] = {}
        for name, one in central.items():
            if one.source in seen:
                raise ValueError(f"{name} and {seen[one.source]} are the same project; name its forms in one of them")
            seen[one.source] = name
        hosts: dict[str, set[str]] = {}
        for one in central.values():
            if one.password is not None:
                hosts.setdefault(one.password.get_secret_value(), set()).add(one.url.partition("://")[2])
        if any(len(several) > 1 for several in hosts.values()):
            raise ValueError("one password for several servers; set LAKTASI_CENTRAL__<NAME>__PASSWORD for each")
        return central

    @field_validator("lake")
    @classmethod
    def _somewhere(cls, lake: LakeSettings, info: ValidationInfo) -> LakeSettings:
        """Refuse a lake of which nobody said where it is."""
        if info.data.get("warehouse") == "ducklake" and (lake.catalog is None or lake.data is None):
            raise ValueError("a lake needs lake.catalog and lake.data, see docs/ducklake.md")
        return lake

    def with_accounts(self, accounts: Mapping[str, Mapping[str, str]]) -> Settings:
        """Give these settings with accounts for some of the Centrals.

        Parameters
        ----------
        accounts
            By name of the source: ``email`` and ``password``.

        Raises
        ------
        SettingsError
            An account lacks one of them. Values are never shown.
        """
        central = dict(self.central)
        for name, account in accounts.items():
            if not (isinstance(account, Mapping) and account.keys() >= {"email", "password"}):
                raise SettingsError(
                    f"the account for {name!r} lacks email or password",
                    next_step='save it as {"email": "…", "password": "…"}',
                )
            given = {"email": account["email"], "password": SecretStr(account["password"])}
            central[name] = central[name].model_copy(update=given)
        return self.model_copy(update={"central": central})

    def centrals(self, name: str | None = None) -> dict[str, CentralSettings]:
        """Give the Centrals by name: all of them, or the one of this name.

        Raises
        ------
        SettingsError
            There is none, or none of that name.
        """
        if not self.central:
            raise SettingsError(
                "no Central is set up",
                next_step="set central.url and central.project in laktasi.toml",
            )
        if name is None:
            return dict(self.central)
        if name not in self.central:
            raise SettingsError(f"no Central is called {name!r}", next_step=f"name one of: {', '.join(self.central)}")
        return {name: self.central[name]}

    @property
    def folders(self) -> Project:
        """The project's folders."""
        return Project(self.project)

    @property
    def data_folder(self) -> DataFolder:
        """The data folder, resolved below the project."""
        lake = self.lake.place(self.project) if self.warehouse == "ducklake" else None
        return DataFolder(self.project / self.data, key=self.key, lake=lake)
