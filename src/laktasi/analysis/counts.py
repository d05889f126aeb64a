"""From counted cells, as a query returns them, to the stack of tables that the statistics take."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.pairs import Ints


def stack_tables(
    centre: NDArray[np.integer],
    exposure_rank: NDArray[np.integer],
    outcome_rank: NDArray[np.integer],
    n: NDArray[np.integer],
    shape: tuple[int, int, int],
) -> Ints:
    """Put counted cells in their place.

    Parameters
    ----------
    centre
        Number of the centre, from 0.
    exposure_rank, outcome_rank
        Rank of the level, from 1 for the lowest.
    n
        Records in the cell. A cell that is given twice is added up.
    shape
        Centres, exposure levels and outcome levels. Cells that are not given hold no records.

    Returns
    -------
    ndarray of int64, shape `shape`

    Raises
    ------
    ValueError
        A centre or rank lies outside `shape`.
    """
    try:
        cells = np.ravel_multi_index(
            (np.asarray(centre), np.asarray(exposure_rank) - 1, np.asarray(outcome_rank) - 1), shape
        )
    except ValueError as error:
        raise ValueError(f"a centre or a rank lies outside the {shape} of the tables") from error
    tables = np.zeros(shape, dtype=np.int64)
    np.add.at(tables.reshape(-1), cells, np.asarray(n, dtype=np.int64))
    return tables
