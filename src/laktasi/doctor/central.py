"""Each Central: is it there, what time is it there, does the account work, what may it, which forms are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from laktasi.doctor.finding import Finding, ok, warning, wrong
from laktasi.errors import SourceError
from laktasi.settings import CentralSettings

CLOCK_WARNS = timedelta(minutes=2)
CLOCK_WRONG = timedelta(hours=1)
"""How far two clocks may be apart. Times of records come from phones and servers; ours stamps runs and what landed."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def look_at_central(
    name: str, central: CentralSettings, *, known: Mapping[str, set[str]] | None = None, writes: bool = False
) -> Iterator[Finding]:
    """Look at one Central. What cannot be reached is said first, and nothing more is asked of it then.

    Parameters
    ----------
    name
        Of the source in laktasi.toml.
    known
        Versions of each form that the project keeps, if they are known.
    writes
        Scheduled runs write feedback to it.
    """
    from laktasi.odk.access import access_to, server_time, signed_in

    if central.url.startswith("http:") and central.host not in LOOPBACK:
        yield warning(
            f"{name}: address",
            f"{central.host} is asked without encryption: the password and all answers can be read on the way",
            "use https:// in central.url; whoever looks after the server can set it up",
        )
    try:
        there = server_time(central)
    except SourceError as error:
        yield wrong(
            name,
            error.what,
            "connect to the network, and open the address in a browser; runs work on with what has landed meanwhile",
        )
        return
    yield ok(name, f"{central.host} can be reached")
    if there is not None:
        yield _clock(f"{name}: clock", central.host, there - datetime.now(UTC))
    try:
        with signed_in(central) as connection:
            access = access_to(connection)
    except SourceError as error:
        asks_again = "no user name" in error.what or getattr(error, "status", None) == 401
        next_step = "laktasi init asks for e-mail and password again" if asks_again else error.next_step
        yield wrong(f"{name}: account", error.what, next_step)
        return
    who = central.email or "the account of pyodk's configuration"
    if lacks := access.lacks_to_read:
        yield wrong(
            f"{name}: account",
            f"{who} may not read submissions of project {central.project} (lacks {', '.join(sorted(lacks))})",
            f"ask the server's administrator for the role Project Viewer or Manager in project {central.project}",
        )
    elif access.manages:
        yield ok(f"{name}: account", f"{who} may read and manage project {central.project}")
    elif writes:
        yield wrong(
            f"{name}: account",
            f"{who} may read project {central.project}, and feedback.send needs an account that may write",
            "ask for the role Project Manager, or set feedback.send = false",
        )
    else:
        yield ok(
            f"{name}: account",
            f"{who} may read project {central.project}; to publish forms and write feedback it would have to be"
            " a Project Manager",
        )
    if access.is_encrypted:
        yield wrong(
            f"{name}: encryption",
            f"project {central.project} encrypts its submissions, and laktasi does not decrypt",
            "use a project without encryption, over https",
        )
    yield from _forms(f"{name}: forms", central, access.forms, known or {})


def _clock(name: str, host: str, apart: timedelta) -> Finding:
    off = abs(apart)
    if off <= CLOCK_WARNS:
        return ok(name, f"{host} and this machine have the same time")
    minutes = round(off.total_seconds() / 60)
    said = f"this machine's clock is {minutes} minutes {'behind' if apart > timedelta(0) else 'ahead of'} {host}'s"
    next_step = "set this machine's clock by the network's time (automatic date and time), then look again"
    return (wrong if off > CLOCK_WRONG else warning)(name, said, next_step)


def _forms(
    name: str, central: CentralSettings, there: Mapping[str, str], known: Mapping[str, set[str]]
) -> Iterator[Finding]:
    if missing := sorted(set(central.forms) - set(there)):
        yield wrong(
            name,
            f"no published form {', '.join(missing)} in project {central.project}; there are: {_listed(there)}",
            "correct central.forms in laktasi.toml, or publish the form: laktasi forms publish",
        )
    elif not there:
        yield warning(name, f"project {central.project} has no published form", "laktasi forms publish")
    else:
        yield ok(name, f"published in project {central.project}: {_listed(there)}")
    for form_id in sorted(set(there) & set(known)):
        if there[form_id] not in known[form_id]:
            yield warning(
                name,
                f"phones get version {there[form_id]!r} of {form_id} from {central.host}, which the project does not"
                f" have; it has {', '.join(sorted(known[form_id]))}",
                "put that XLSForm into xlsforms/, or yours there: laktasi forms publish",
            )


def _listed(forms: Mapping[str, str]) -> str:
    return ", ".join(f"{form_id} (version {version or 'none'})" for form_id, version in sorted(forms.items())) or "none"
