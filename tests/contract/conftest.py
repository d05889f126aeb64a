"""Where the contract is tried: on the stand-in for Central, always; on a real one where the environment names it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.central import Acts, Double
from tests.contract.walk import TOWNS, Central, xform

URL, EMAIL, PASSWORD = (os.environ.get(f"LAKTASI_TEST_CENTRAL_{name}", "") for name in ("URL", "EMAIL", "PASSWORD"))
NO_CENTRAL = "no Central at hand: set LAKTASI_TEST_CENTRAL_URL, …_EMAIL and …_PASSWORD"


@pytest.fixture(scope="session")
def real_project() -> Iterator[Callable[[], Acts]]:
    """Make projects on the real Central, one session for all; they are deleted at the end."""
    if not (URL and EMAIL and PASSWORD):
        pytest.skip(NO_CENTRAL)
    manager = Acts(URL, EMAIL, PASSWORD)
    made: list[int] = []

    def make() -> Acts:
        made.append(manager.make_project("laktasi contract test"))
        return manager

    yield make
    for project in made:
        manager.do("DELETE", f"projects/{project}")


@pytest.fixture(params=["double", "real"])
def empty_central(request: pytest.FixtureRequest) -> Iterator[Central]:
    """Give a Central with an empty project."""
    if request.param == "real":
        yield Central(request.getfixturevalue("real_project")(), None)
        return
    with Double() as double:
        acts = Acts(double.url, double.email, double.password)
        acts.make_project()
        yield Central(acts, double)
        acts.close()


@pytest.fixture
def central(empty_central: Central) -> Central:
    """Give a Central with the form ``walk`` in a project."""
    empty_central.acts.publish(xform(), {"towns.csv": TOWNS})
    return empty_central


@pytest.fixture
def viewer(central: Central) -> Iterator[Acts]:
    """Give a project viewer of that project."""
    person = central.acts.make_account(f"viewer-{uuid.uuid4()}@example.org", "viewer-test-1234")
    yield person
    central.acts.delete_account(person.myself())
    person.close()
