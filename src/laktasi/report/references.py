"""Who described first what the report computes, for its method page."""

from __future__ import annotations

REFERENCES: tuple[str, ...] = (
    "Agresti A. (2010). Analysis of Ordinal Categorical Data, 2nd edition. Wiley.",
    "Benjamini Y., Hochberg Y. (1995). Controlling the false discovery rate. Journal of the Royal Statistical Society "
    "B 57, 289–300.",
    "Brown M. B., Benedetti J. K. (1977). Sampling behavior of tests for correlation in two-way contingency tables. "
    "Journal of the American Statistical Association 72, 309–315.",
    "Cochran W. G. (1954). The combination of estimates from different experiments. Biometrics 10, 101–129.",
    "Goodman L. A., Kruskal W. H. (1954). Measures of association for cross classifications. Journal of the American "
    "Statistical Association 49, 732–764.",
    "Hartung J., Knapp G. (2001). A refined method for the meta-analysis of controlled clinical trials with binary "
    "outcome. Statistics in Medicine 20, 3875–3889.",
    "Higgins J. P. T., Thompson S. G. (2002). Quantifying heterogeneity in a meta-analysis. Statistics in Medicine 21, "
    "1539–1558.",
    "Higgins J. P. T., Thompson S. G., Spiegelhalter D. J. (2009). A re-evaluation of random-effects meta-analysis. "
    "Journal of the Royal Statistical Society A 172, 137–159.",
    "Hodges J. L., Lehmann E. L. (1963). Estimates of location based on rank tests. Annals of Mathematical Statistics "
    "34, 598–611.",
    "Holm S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6, "
    "65–70.",
    "Kendall M. G. (1970). Rank Correlation Methods, 4th edition. Griffin.",
    "Paule R. C., Mandel J. (1982). Consensus values and weighting factors. Journal of Research of the National Bureau "
    "of Standards 87, 377–385.",
    "Somers R. H. (1962). A new asymmetric measure of association for ordinal variables. American Sociological Review "
    "27, 799–811.",
    "Stuart A. (1953). The estimation and comparison of strengths of association in contingency tables. Biometrika 40, "
    "105–110.",
    "Taylor J. M. G. (1987). Kendall’s and Spearman’s correlation coefficients in the presence of a blocking variable. "
    "Biometrics 43, 409–416.",
    "Viechtbauer W. (2007). Confidence intervals for the amount of heterogeneity in meta-analysis. Statistics in "
    "Medicine 26, 37–52.",
    "Wilcoxon F. (1945). Individual comparisons by ranking methods. Biometrics Bulletin 1, 80–83.",
    "Wilson E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the "
    "American Statistical Association 22, 209–212.",
)
"""In the order of their authors."""
