"""Where tests of Central run: on the stand-in always, and on a real one too where the environment names it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.central import Acts, Double

VARIABLES = tuple(f"LAKTASI_TEST_CENTRAL_{name}" for name in ("URL", "EMAIL", "PASSWORD"))
NO_CENTRAL = f"no real Central at hand: with {', '.join(VARIABLES)} set, these tests run against it as well"


def real_login() -> tuple[str, str, str] | None:
    """Give address, account and password of the Central that the environment names, if it names one."""
    url, email, password = (os.environ.get(name, "") for name in VARIABLES)
    return (url, email, password) if url and email and password else None


CENTRALS = ["double", "real"] if real_login() else ["double"]


@dataclass(frozen=True)
class Site:
    """An administrator at work in an empty project of the test's own."""

    acts: Acts
    double: Double | None
    """None: a real Central."""


@pytest.fixture(scope="session")
def stand_in() -> Iterator[Double]:
    """One stand-in for many tests; a test that moves its clock or ends its sessions makes its own."""
    with Double() as double:
        yield double


@pytest.fixture(scope="session")
def stand_in_manager(stand_in: Double) -> Iterator[Acts]:
    acts = Acts(stand_in.url, stand_in.email, stand_in.password)
    yield acts
    acts.close()


@pytest.fixture(scope="session")
def real_manager() -> Iterator[Acts]:
    login = real_login()
    if login is None:
        pytest.skip(NO_CENTRAL)
    acts = Acts(*login)
    yield acts
    acts.close()


@pytest.fixture
def double_site(stand_in: Double, stand_in_manager: Acts) -> Iterator[Site]:
    with _project(stand_in_manager):
        yield Site(stand_in_manager, stand_in)
        stand_in.calm()


@pytest.fixture
def real_site(real_manager: Acts) -> Iterator[Site]:
    with _project(real_manager):
        yield Site(real_manager, None)


@pytest.fixture(params=CENTRALS)
def site(request: pytest.FixtureRequest) -> Site:
    """Give the stand-in, and then the real Central; a test that asks for ``real`` by name is skipped without one."""
    given: Site = request.getfixturevalue(f"{request.param}_site")
    return given


@contextmanager
def _project(manager: Acts) -> Iterator[None]:
    manager.make_project()
    try:
        yield
    finally:
        manager.delete_project()
