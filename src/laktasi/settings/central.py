"""The part of the settings that describes one project on one ODK Central: ``[central]`` in laktasi.toml."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

PORTS = {"http": 80, "https": 443}


def address_of(url: str) -> str:
    """Give the address of a Central in one way of writing: scheme, host in small letters, and a port that is not usual.

    Raises
    ------
    ValueError
        It is no address of a server, or holds more than that: a user, a page. The error's text never holds it.
    """
    try:
        parts = urlsplit(url.strip())
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
        host.encode("idna")  # refuses a name with a part that is empty or too long
    except ValueError:
        scheme = host = ""
    if scheme not in PORTS or not host or any(map(str.isspace, host)):
        raise ValueError("no address of a server; write one like https://central.example.org")
    if "@" in parts.netloc:
        raise ValueError("user name and password have no place in it; they come from the environment")
    if parts.path.rstrip("/") not in ("", "/v1") or parts.query or parts.fragment:
        raise ValueError("the address of a page; write the server's alone, like https://central.example.org")
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" + ("" if port in (None, PORTS[scheme]) else f":{port}")


class CentralSettings(BaseModel):
    """One project on one ODK Central server. The password comes from the environment, never from the file."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: str = Field(description="Address of the server alone.")
    project: int = Field(description="Number of the project; it stands in the address of its page.")
    forms: tuple[str, ...] = Field(default=(), description="Form ids; every published form of the project, if none.")
    email: str | None = Field(default=None, description="Of the account that reads. Its password never stands here.")
    password: SecretStr | None = Field(default=None, description="LAKTASI_CENTRAL__PASSWORD")

    @property
    def host(self) -> str:
        """The server's name, without a port."""
        return urlsplit(self.url).hostname or ""

    @property
    def source(self) -> str:
        """The source's name in the warehouse: ``central:<host[:port]>/<project>``."""
        return f"central:{self.url.partition('://')[2]}/{self.project}"

    @field_validator("url")
    @classmethod
    def _address(cls, given: str) -> str:
        return address_of(given)

    @model_validator(mode="before")
    @classmethod
    def _plainly(cls, given: Any) -> Any:
        """Read ``form = "x"`` as ``forms = ["x"]``, and forms in the environment with commas between them."""
        if not isinstance(given, dict):
            return given
        given = {("forms" if name == "form" else name): value for name, value in given.items()}
        if isinstance(given.get("forms"), str):
            given["forms"] = tuple(filter(None, (name.strip() for name in given["forms"].split(","))))
        return given
