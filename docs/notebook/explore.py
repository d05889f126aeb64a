"""A notebook that starts from research.duckdb: ``marimo edit --skip-update-check docs/notebook/explore.py``.

It reads data/research.duckdb, else the sample's in data/demo; another file with ``… explore.py -- --research FILE``.
Names of variables are not written here: it shows whatever study the file holds. It runs as a script, too.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="laktasi: from research.duckdb")


@app.cell
def _():
    import pathlib

    import duckdb
    import marimo as mo
    import matplotlib.pyplot as plt
    import numpy as np
    import pandas as pd
    from scipy import stats

    return duckdb, mo, np, pathlib, pd, plt, stats


@app.cell
def _(mo):
    mo.md("""
    # From research.duckdb

    Change a choice or a line, and what depends on it follows. This file holds the team's data without direct
    identifiers; it is not for the public, and neither is what is shown here of a small centre.
    """)


@app.cell
def _(duckdb, mo, pathlib):
    given = mo.cli_args().get("research")
    candidates = [pathlib.Path(folder) / "research.duckdb" for folder in ("data", "data/demo")]
    research = pathlib.Path(given) if given else next((path for path in candidates if path.exists()), candidates[0])
    mo.stop(
        not research.exists(), mo.md(f"There is no `{research}`. `laktasi demo` makes one from the synthetic sample.")
    )
    con = duckdb.connect(str(research), read_only=True)
    return con, research


@app.cell
def _(con, mo, research):
    run = con.sql("""
        select run_id, strftime(finished_at, '%Y-%m-%d %H:%M') as finished_utc, code_version, analysed_rows
        from meta.runs semi join meta.latest_run using (run_id)
    """).df()
    mo.vstack([mo.md(f"## The file\n\n`{research}`"), run])


@app.cell
def _(con, mo):
    pairs = con.sql(
        "select exposure, outcome from analysis.kendall_latest group by all order by sum(n) desc, exposure, outcome"
    ).fetchall()
    mo.stop(not pairs, mo.md("The latest run had no analyses: its study.yml names none, or nothing has come in."))
    centre_codes = con.sql(
        "select centre_code from analysis.kendall_latest group by all order by max(n) desc, centre_code"
    )
    pair = mo.ui.dropdown(
        {f"{x} × {y}": (x, y) for x, y in pairs}, value=" × ".join(pairs[0]), label="exposure × outcome"
    )
    centre = mo.ui.dropdown([code for (code,) in centre_codes.fetchall()], label="health centre")
    population = mo.ui.radio(["accepted", "all"], value="accepted", label="records")
    mo.hstack([pair, centre, population], justify="start")
    return centre, pair, population


@app.cell
def _(con, mo, pair, population):
    exposure, outcome = pair.value
    centres = con.execute(
        """
        select centre_code, n, tau_b, ci_low, ci_high, tau_b_max, p_exact, p_holm, reason
        from analysis.kendall_latest
        where exposure = ? and outcome = ? and population = ? order by n desc, centre_code
        """,
        [exposure, outcome, population.value],
    ).df()
    mo.stop(centres["tau_b"].isna().all(), mo.vstack([mo.md("No centre has a tau_b."), centres]))
    mo.vstack([mo.md("## The centres"), centres.round(4)])
    return centres, exposure, outcome


@app.cell
def _(centre, centres, con, exposure, mo, outcome, pd, population):
    chosen = centre.value or centres.loc[centres["tau_b"].notna(), "centre_code"].iloc[0]
    answers = con.execute(
        "select * from marts.analysed where centre_code = ? and (is_accepted or ? = 'all')", [chosen, population.value]
    ).df()
    answers = answers.dropna(subset=[exposure, outcome])
    words = con.sql("select variable, level_rank, level_labels['en'] as label from marts.variables").df()

    def in_words(variable):
        """Give the levels of a variable in their order, in words."""
        levels = words[words["variable"] == variable].sort_values("level_rank")
        return pd.Categorical.from_codes(answers[variable].astype(int) - 1, levels["label"], ordered=True)

    joint = pd.crosstab(in_words(exposure), in_words(outcome), rownames=[exposure], colnames=[outcome], dropna=False)
    mo.vstack([mo.md(f"## {chosen}: the joint table"), joint])
    return answers, chosen, joint


@app.cell
def _(answers, centres, chosen, exposure, mo, outcome, stats):
    tau = stats.kendalltau(answers[exposure], answers[outcome], method="asymptotic")
    told = centres.set_index("centre_code").loc[chosen]
    mo.md(
        f"""
        tau_b computed here by scipy: **{tau.statistic:.6f}** (asymptotic p {tau.pvalue:.2g}). The pipeline says
        **{told["tau_b"]:.6f}**, 95 % interval {told["ci_low"]:.3f} to {told["ci_high"]:.3f}, n = {told["n"]}; the
        largest that these margins allow is {told["tau_b_max"]:.3f}.
        """
    )
    return tau, told


@app.cell
def _(con, exposure, mo, outcome, population):
    pooled = con.execute(
        """
        select 'within centres (stratified)' as what, tau_b, ci_low, ci_high, null as pi_low, null as pi_high
        from analysis.pooled_latest
        where method = 'stratified' and exposure = $x and outcome = $y and population = $whom
        union all
        select 'mean of such centres (random effects)', tau_b, ci_low, ci_high, pi_low, pi_high
        from analysis.random_effects_latest where exposure = $x and outcome = $y and population = $whom
        """,
        {"x": exposure, "y": outcome, "whom": population.value},
    ).df()
    mo.vstack([mo.md("## Over all centres"), pooled.round(4)])
    return (pooled,)


@app.cell
def _(centres, exposure, mo, np, outcome, plt, pooled):
    shown = centres.dropna(subset="tau_b").iloc[::-1]
    forest, axes = plt.subplots(figsize=(7, 1.5 + 0.22 * len(shown)))
    rows = np.arange(len(shown))
    axes.hlines(rows, shown["ci_low"], shown["ci_high"], color="0.5")
    axes.scatter(shown["tau_b"], rows, s=8 + shown["n"], marker="s", color="C0", zorder=3)
    names = [f"{code} (n = {n})" for code, n in zip(shown["centre_code"], shown["n"], strict=True)]
    for below, mean in enumerate(pooled.dropna(subset="tau_b").itertuples(), 2):
        axes.hlines(-below, mean.pi_low, mean.pi_high, color="C1", linestyle="dotted")
        axes.hlines(-below, mean.ci_low, mean.ci_high, color="C1", linewidth=3)
        axes.scatter(mean.tau_b, -below, marker="D", color="C1", zorder=3)
        names.append(mean.what)
        rows = np.append(rows, -below)
    axes.set_yticks(rows, names, fontsize=7)
    axes.axvline(0, color="0.8", zorder=0)
    axes.set(xlim=(-1, 1), xlabel=f"tau_b of {exposure} × {outcome}, 95 % interval (dotted: of one more such centre)")
    forest.tight_layout()
    mo.vstack([forest])
    return (forest,)


@app.cell
def _(con, mo, population):
    paired = con.execute(
        """
        select coalesce(centre_code, 'all centres') as centre, measure, unit, n, median_before, median_after,
            estimate, ci_low, ci_high, p_value, p_method, reason
        from analysis.paired_latest where population = ? and n > 0
        order by measure, unit, centre_code nulls first
        """,
        [population.value],
    ).df()
    mo.vstack([mo.md("## Before and after, in the same mother"), paired.round(4)])
    return (paired,)


if __name__ == "__main__":
    app.run()
