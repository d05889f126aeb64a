"""Whether a real Central was tried: without one, each test of the contract runs against the stand-in alone."""

from __future__ import annotations

from tests.contract.walk import Central


def test_a_real_central_is_held_to_the_contract_too(real: Central) -> None:
    assert real.acts.myself() > 0
