"""Counted cells put in their place in the stack of tables."""

import numpy as np
import pytest

from laktasi.analysis.counts import stack_tables


def test_each_cell_lands_in_its_centre_and_levels() -> None:
    tables = stack_tables(np.array([0, 0, 2]), np.array([1, 2, 2]), np.array([1, 3, 2]), np.array([7, 6, 1]), (3, 2, 3))
    np.testing.assert_array_equal(tables, [[[7, 0, 0], [0, 0, 6]], np.zeros((2, 3)), [[0, 0, 0], [0, 1, 0]]])


def test_a_cell_given_twice_is_added_up() -> None:
    assert stack_tables(np.array([0, 0]), np.array([1, 1]), np.array([1, 1]), np.array([2, 3]), (1, 1, 1))[0, 0, 0] == 5


@pytest.mark.parametrize("cell", [(3, 1, 1), (0, 0, 1), (0, 3, 1), (0, 1, 4)])
def test_a_rank_outside_the_levels_is_refused(cell: tuple[int, int, int]) -> None:
    centre, exposure, outcome = (np.array([value]) for value in cell)
    with pytest.raises(ValueError, match="outside"):
        stack_tables(centre, exposure, outcome, np.array([1]), (3, 2, 3))
