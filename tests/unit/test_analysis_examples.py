"""The examples in the docstrings of the analysis say what the code does."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "module", ["kendall", "exact", "multiplicity", "pooled", "adjusted", "paired", "power", "random_effects"]
)
def test_examples_hold(module: str) -> None:
    results = doctest.testmod(importlib.import_module(f"laktasi.analysis.{module}"))
    assert results.attempted > 0
    assert results.failed == 0
