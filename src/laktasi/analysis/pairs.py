"""Pairs of records, counted from contingency tables: what every statistic of this room is made of."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MAX_N = 2_000_000_000
"""Records that one table may hold: n², the largest integer that is formed, stays below 2**63."""


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Pairs of records within each table; "a pair" is unordered, so n records make n(n − 1)/2.

    Arrays with levels keep the tables on their **last** axis: levels are few and tables are many, and numpy is fast
    along a long contiguous axis.
    """

    table: Ints
    """The counts, shape (rows, columns, tables)."""
    rows: Ints
    """Row totals, shape (rows, tables)."""
    columns: Ints
    """Column totals, shape (columns, tables)."""
    dominance: Ints
    """For a record in each cell: records concordant with it minus records discordant with it; shape of `table`."""
    n: Ints
    """Records, shape (tables,); so are all that follow."""
    s: Ints
    """Concordant minus discordant pairs: Kendall's S."""
    s_min: Ints
    """Smallest S that any table with the same margins has."""
    s_max: Ints
    """Largest S that any table with the same margins has."""
    untied_rows: Ints
    """Pairs that differ in their row: Dx."""
    untied_columns: Ints
    """Pairs that differ in their column: Dy."""
    var0: Floats
    """Variance of S when rows and columns are matched at random, both margins as observed; 0 where S cannot vary."""


def count_pairs(counts: NDArray[np.integer]) -> PairCounts:
    """Count concordant, discordant and tied pairs in many tables at once.

    Parameters
    ----------
    counts
        Records by (table, row level, column level), levels lowest first. Empty levels and empty tables do no harm.

    Raises
    ------
    ValueError
        Not three axes, not integers, a negative count, or more than `MAX_N` records in one table.

    Notes
    -----
    **The attainable range.** Take two records a, b with x_a < x_b and y_a > y_b and exchange their y. Their own pair
    turns from −1 to +1, and for any third record c the sum of its two signs changes by
    (sgn(x_c − x_a) − sgn(x_c − x_b)) · (sgn(y_c − y_b) − sgn(y_c − y_a)), a product of two factors that are never
    negative. So S grows with every discordant pair that is undone, and its maximum is the one table without any:
    both variables sorted alike (the north-west corner arrangement). The minimum is the same with one variable
    reversed. The tests hold this against every table of many small margins.

    **The null variance** is Kendall's, for ties in both variables [1]_, in the form that his proof has before it is
    expanded: with g the number of records below minus the number above a record, and G = Σ g² over all records,

        Var0 = (Gx − 2 Dx)(Gy − 2 Dy) / (n (n − 1)(n − 2)) + 2 Dx Dy / (n (n − 1)).

    It is the textbook formula (and scipy's, and SPSS's), but its terms do not cancel, so it keeps its digits at any n.
    The first term is 0 for n = 2.

    References
    ----------
    .. [1] Kendall M. G. (1970), Rank Correlation Methods, 4th edition, Griffin, London; chapters 3 and 4.
    """
    table = _levels_first(counts)
    n = table.sum(axis=(0, 1))
    if n.size and int(n.max()) > MAX_N:
        raise ValueError(f"a table holds {int(n.max())} records; pairs are counted for up to {MAX_N}")
    below = np.zeros((table.shape[0] + 1, table.shape[1] + 1, table.shape[2]), dtype=np.int64)
    np.cumsum(table, axis=0, out=below[1:, 1:])
    np.cumsum(below[1:, 1:], axis=1, out=below[1:, 1:])
    row_edges, column_edges = below[:, -1], below[-1]
    rows, columns = np.diff(row_edges, axis=0), np.diff(column_edges, axis=0)
    # below minus above, for a record in each row or column; its four quadrants in one sum for each cell
    g_rows = row_edges[1:] + row_edges[:-1] - n
    g_columns = column_edges[1:] + column_edges[:-1] - n
    dominance = below[:-1, :-1] + below[1:, 1:] + below[:-1, 1:] + below[1:, :-1]
    dominance -= g_rows[:, None] + g_columns[None, :] + n
    untied_rows = (n * n - (rows * rows).sum(axis=0)) // 2
    untied_columns = (n * n - (columns * columns).sum(axis=0)) // 2
    excess_rows, excess_columns = _excess(rows, g_rows, untied_rows), _excess(columns, g_columns, untied_columns)
    return PairCounts(
        table=table,
        rows=rows,
        columns=columns,
        dominance=dominance,
        n=n,
        s=(table * dominance).sum(axis=(0, 1)) // 2,
        s_min=-_largest_s(row_edges, n - column_edges[::-1]),
        s_max=_largest_s(row_edges, column_edges),
        untied_rows=untied_rows,
        untied_columns=untied_columns,
        var0=_null_variance(n, excess_rows, excess_columns, untied_rows, untied_columns),
    )


def add_cells(values: Floats) -> Floats:
    """Add over all axes but the last, one cell after another.

    numpy's own sum changes its order with the number of tables, and with it the last digit: a centre's result would
    change when another centre joins.
    """
    total = np.zeros(values.shape[-1])
    for cell in values.reshape(prod(values.shape[:-1]), values.shape[-1]):
        total += cell
    return total


def _levels_first(counts: NDArray[np.integer]) -> Ints:
    if counts.ndim != 3:
        raise ValueError(f"counts have {counts.ndim} axes; expected three: tables, rows, columns")
    if not np.issubdtype(counts.dtype, np.integer):
        raise ValueError(f"counts are {counts.dtype}; expected integers")
    if counts.size and int(counts.min()) < 0:
        raise ValueError("a count is negative")
    return np.ascontiguousarray(np.moveaxis(counts, 0, 2), dtype=np.int64)


def _largest_s(row_edges: Ints, column_edges: Ints) -> Ints:
    """S of the table in which rows and columns with these cumulated totals are sorted alike: all pairs concordant."""
    below = np.minimum(row_edges[:, None], column_edges[None, :])
    cells = np.diff(np.diff(below, axis=0), axis=1)
    largest: Ints = (cells * below[:-1, :-1]).sum(axis=(0, 1))
    return largest


def _excess(totals: Ints, g: Ints, untied: Ints) -> Floats:
    """Return G − 2 D of one margin; in floats, since n³ overflows beyond two million records."""
    return add_cells(totals.astype(np.float64) * (g * g)) - 2.0 * untied


def _null_variance(n: Ints, excess_x: Floats, excess_y: Floats, untied_x: Ints, untied_y: Ints) -> Floats:
    size = n.astype(np.float64)
    ordered_pairs = size * (size - 1)
    shared: Floats = np.divide(excess_x * excess_y, ordered_pairs * (size - 2), out=np.zeros_like(size), where=n > 2)
    own: Floats = np.divide(2.0 * untied_x * untied_y, ordered_pairs, out=np.zeros_like(size), where=n > 1)
    total: Floats = shared + own
    return total
