# Before and after by R's own wilcox.test and by coin, for tests/golden/test_paired_golden.py.
# Run in this folder:  Rscript paired.R > paired.json
suppressPackageStartupMessages({library(coin); library(jsonlite)})

decimals <- function(n, shift, digits, seed) {
  set.seed(seed)
  before <- round(rnorm(n, 12, 3), digits)
  list(before = before, after = round(before + rnorm(n, shift, 2), digits))
}

data <- list(
  # Hollander and Wolfe (1973), page 29: the example of help(wilcox.test).
  depression = list(
    before = c(1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30),
    after = c(0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29)
  ),
  # R's data set sleep (Student 1908): ties, and one zero.
  sleep = list(before = sleep$extra[sleep$group == 1], after = sleep$extra[sleep$group == 2]),
  twenty = decimals(20, 1, 6, 1),
  fifty = decimals(50, 0.4, 6, 2),
  ties_twenty_five = decimals(25, 0.8, 0, 3),
  ties_forty = decimals(40, 0.3, 0, 4),
  large = decimals(120, 0.3, 6, 5),
  large_ties = decimals(150, 0.3, 1, 6)
)

of_data <- function(pair) {
  d <- round(pair$after - pair$before, 9)
  moved <- d[d != 0]
  n <- length(d)
  averages <- outer(d, d, "+") / 2
  averages <- sort(averages[upper.tri(averages, diag = TRUE)])
  result <- list(
    before = pair$before, after = pair$after, n = n, n_changed = length(moved),
    median_before = median(pair$before), median_after = median(pair$after),
    estimate = median(averages),
    statistic = sum(rank(abs(moved))[moved > 0])
  )
  if (n <= 50) {
    # Zeros and ties or not: the places are those of untied ranks.
    k <- qsignrank(0.025, n)
    result$ci_low <- averages[k]
    result$ci_high <- averages[length(averages) + 1 - k]
  }
  # Exact over all signs of the ranks, tied ones too; zeros left out.
  exact <- wilcoxsign_test(pair$after ~ pair$before, distribution = "exact", zero.method = "Wilcoxon")
  if (length(moved) <= 50) result$p_exact <- as.numeric(pvalue(exact))
  untied <- length(moved) == n && !anyDuplicated(abs(d))
  own <- suppressWarnings(wilcox.test(d, conf.int = TRUE, exact = untied && n <= 50, correct = TRUE))
  result$wilcox_test <- list(
    p_value = own$p.value, estimate = unname(own$estimate), ci_low = own$conf.int[1], ci_high = own$conf.int[2],
    is_exact = untied && n <= 50, has_zeros = length(moved) < n
  )
  result
}

versions <- list(R = paste(R.version$major, R.version$minor, sep = "."), coin = as.character(packageVersion("coin")))
cat(toJSON(list(versions = versions, results = lapply(data, of_data)), auto_unbox = TRUE, digits = 15, pretty = 1))
cat("\n")
