"""The part of the settings that says where a lake is: ``[lake]`` in laktasi.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from laktasi.paths import Lake

POSTGRES = ("postgres://", "postgresql://")
IN_ENVIRONMENT = ("password", "s3_key_id", "s3_secret")
"""Of the settings of a lake those that have no place in a file that is shared."""


class LakeSettings(BaseModel):
    """Where the warehouse stands that several workers share (``warehouse = "ducklake"``).

    Passwords and keys come from the environment or the private file, never from laktasi.toml.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    catalog: str | None = Field(
        default=None, description="postgres://user@host/database; or a file, for one worker on one machine."
    )
    password: SecretStr | None = Field(default=None, description="LAKTASI_LAKE__PASSWORD; else PGPASSFILE is asked.")
    name: str = Field(
        default="laktasi", pattern="^[a-z][a-z0-9_]*$", description="Of the lake in that database: its schema there."
    )
    data: str | None = Field(default=None, description="Where its Parquet files lie: a folder, or s3://bucket/prefix.")
    files: Path | None = Field(
        default=None, description="Folder all workers see, for attachments and secret.key; the data folder, if none."
    )
    keep_days: int = Field(default=7, ge=1, description="Days after which replaced and deleted rows leave the disk.")
    s3_key_id: SecretStr | None = Field(default=None, description="LAKTASI_LAKE__S3_KEY_ID")
    s3_secret: SecretStr | None = Field(default=None, description="LAKTASI_LAKE__S3_SECRET")
    s3_region: str | None = Field(default=None, description="Region of the store.")
    s3_endpoint: str | None = Field(default=None, description="host:port of a store that is not Amazon's.")
    s3_url_style: Literal["path", "vhost"] | None = Field(default=None, description="How the store names buckets.")
    s3_use_ssl: bool | None = Field(default=None, description="Whether it is reached by https; so by default.")

    @field_validator("catalog")
    @classmethod
    def _without_password(cls, given: str | None) -> str | None:
        if given is None or not given.startswith(POSTGRES):
            return given
        wrong = ValueError("no address of a database; write one like postgres://user@db.example.org/laktasi")
        try:
            parts = urlsplit(given)
            if not (parts.hostname and parts.path.strip("/")) or parts.port == 0:
                raise wrong
        except ValueError:
            raise wrong from None
        if parts.password is not None or "password" in dict(parse_qsl(parts.query)):
            raise ValueError("the password has no place in it; it comes from LAKTASI_LAKE__PASSWORD or PGPASSFILE")
        return given

    def place(self, project: Path) -> Lake:
        """Give where the lake is; folders lie below the project."""
        if self.catalog is None or self.data is None:
            raise ValueError("a lake needs lake.catalog and lake.data")
        is_postgres = self.catalog.startswith(POSTGRES)
        options = {name.removeprefix("s3_"): getattr(self, name) for name in LakeSettings.model_fields if "s3_" in name}
        return Lake(
            catalog=_for_libpq(self.catalog) if is_postgres else str(project / self.catalog),
            is_postgres=is_postgres,
            schema=self.name,
            # A folder of its own, since what lies there and is not its own is taken away.
            data=f"{self.data if self.data.startswith('s3://') else project / self.data}/{self.name}",
            files=self.files and project / self.files,
            keep_days=self.keep_days,
            password=self.password,
            s3={name: value for name, value in options.items() if value is not None},
        )


def _for_libpq(address: str) -> str:
    """Write the address of a database as words for PostgreSQL's library."""
    parts = urlsplit(address)
    named = {
        "host": parts.hostname,
        "port": parts.port,
        "user": parts.username and unquote(parts.username),
        "dbname": unquote(parts.path.strip("/")),
        **dict(parse_qsl(parts.query)),
    }
    escaped = {name: str(value).replace("\\", "\\\\").replace("'", "\\'") for name, value in named.items() if value}
    return " ".join(f"{name}='{value}'" for name, value in escaped.items())
