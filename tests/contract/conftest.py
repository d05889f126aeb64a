"""Where the contract is tried: on the stand-in for Central, always; on a real one where the environment names it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.central import Acts
from tests.central.fixtures import Site
from tests.contract.walk import TOWNS, Central, xform
from tests.contract.warehouse import make_template


@pytest.fixture
def empty_central(site: Site) -> Central:
    """Give a Central with an empty project of the test's own."""
    return Central(site.acts, site.double)


@pytest.fixture
def central(empty_central: Central) -> Central:
    """Give a Central with the form ``walk`` in a project."""
    empty_central.acts.publish(xform(), {"towns.csv": TOWNS})
    return empty_central


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project with an empty warehouse, to copy."""
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def stranger(empty_central: Central) -> Iterator[Acts]:
    """Give another person, who has no role anywhere, at work in that project."""
    manager = empty_central.acts
    person = manager.make_account(f"person-{uuid.uuid4()}@example.org", "person-test-1234", role=None)
    yield person
    manager.delete_account(person.myself())
    person.close()


@pytest.fixture
def viewer(central: Central, stranger: Acts) -> Acts:
    """Give a viewer of the project that has the form."""
    central.acts.do("POST", f"{central.acts.place()}/assignments/viewer/{stranger.myself()}")
    return stranger
