"""All results of single tables put together: one column for each, named as in the table of results."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.exact import DRAWS, MAX_N, SEED, conditional_p
from laktasi.analysis.interval import LEVEL
from laktasi.analysis.kendall import from_pairs
from laktasi.analysis.measures import measures
from laktasi.analysis.multiplicity import benjamini_hochberg, holm
from laktasi.analysis.pairs import count_pairs
from laktasi.analysis.reasons import ALL_ALIKE, REASONS, TOO_MANY, in_words

Columns = dict[str, NDArray[Any]]

FURTHER = ("tau_c", "gamma", "somers_d_yx", "somers_d_xy")
"""Measures beside tau_b; each has its standard errors and interval in columns of its own."""


def analyse_tables(counts: NDArray[np.integer], *, max_n: int = MAX_N, draws: int = DRAWS, seed: int = SEED) -> Columns:
    """Compute everything there is to say of each of many tables by itself.

    Parameters
    ----------
    counts : ndarray of int, shape (tables, exposure levels, outcome levels)
        Records in each cell, levels lowest first.
    max_n, draws, seed
        As `laktasi.analysis.exact.conditional_p` has them.

    Returns
    -------
    dict of str to ndarray, each of shape (tables,)
        The columns of analysis.kendall from ``n`` on. Where there is no result: nan, and in texts None; ``reason``
        then says why, in English words: either there is none of the measures, or only ``approx_t``, ``p_exact`` or
        both are missing. A table's row does not depend on the other tables, but for ``p_holm`` and ``p_bh``, which
        count them all (and take ``p_value`` where there is no ``p_exact``).

    Raises
    ------
    ValueError
        As `laktasi.analysis.kendall.kendall`.
    """
    pairs = count_pairs(counts)
    tau, all_measures = from_pairs(pairs), measures(pairs)
    conditional = conditional_p(counts, max_n=max_n, draws=draws, seed=seed)
    best_p = np.where(np.isnan(conditional.p), tau.p_value, conditional.p)
    has_tau = ~np.isnan(tau.tau_b)
    codes = tau.reason_code.copy()
    codes[has_tau & np.isnan(all_measures.approx_t)] = ALL_ALIKE
    reason = in_words(codes)
    for index in np.flatnonzero(has_tau & np.isnan(conditional.p)):
        reason[index] = "; ".join(said for said in (reason[index], REASONS[TOO_MANY]["en"]) if said)
    columns: Columns = {
        "n": tau.n,
        "s": tau.s,
        "tau_b": tau.tau_b,
        "z": tau.z,
        "p_value": tau.p_value,
        "p_exact": conditional.p,
        "ci_low": tau.ci_low,
        "ci_high": tau.ci_high,
        "ci_method": tau.ci_method,
        "tau_b_min": tau.tau_b_min,
        "tau_b_max": tau.tau_b_max,
        "reason": reason,
        "ase1": tau.ase1,
        "ase0": all_measures.tau_b.ase0,
        "approx_t": all_measures.approx_t,
        "approx_p": all_measures.approx_p,
        "p_exact_method": conditional.method,
        "p_exact_error": conditional.error,
        "p_holm": holm(best_p),
        "p_bh": benjamini_hochberg(best_p),
        "ci_level": np.where(has_tau, LEVEL, np.nan),
    }
    for name in FURTHER:
        one = getattr(all_measures, name)
        columns[name] = one.value
        columns |= {f"{name}_{part}": getattr(one, part) for part in ("ase1", "ase0")}
        columns |= {f"{name}_low": one.ci_low, f"{name}_high": one.ci_high}
    return columns
