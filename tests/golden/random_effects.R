# Random effects over health centres by metafor, for tests/golden/test_random_effects_golden.py.
# Run in this folder:  Rscript random_effects.R > random_effects.json
suppressPackageStartupMessages({library(metafor); library(jsonlite)})
MIN_N <- 10
exactly <- list(tol = 1e-15, maxiter = 10000)

tau_b <- function(x, y) suppressWarnings(cor(x, y, method = "kendall"))

of_centre <- function(rows) {
  x <- rep(rows$x, rows$count)
  y <- rep(rows$y, rows$count)
  n <- length(x)
  tau <- if (n < 2) NA else tau_b(x, y)
  variance <- NA
  if (!is.na(tau) && n >= MIN_N) {
    without <- sapply(seq_len(n), function(i) tau_b(x[-i], y[-i]))
    without <- without[!is.na(without)]
    m <- length(without)
    variance <- (m - 1) / m * sum((without - mean(without))^2)
  }
  data.frame(n = n, tau = tau, variance = variance)
}

# c/n in place of a centre's own variance
pooled_c <- function(d) sum(d$n^2 * d$variance) / sum(d$n)
model <- function(d, ...) rma(d$tau, d$v, method = "PM", control = exactly, ...)

of_dataset <- function(rows) {
  every <- do.call(rbind, lapply(split(rows, rows$centre), of_centre))
  d <- every[!is.na(every$tau) & every$n >= MIN_N, ]
  k <- nrow(d)
  c <- pooled_c(d)
  d$v <- c / d$n
  floored <- model(d, test = "adhoc")
  plain <- model(d, test = "knha")
  between <- suppressMessages(confint(floored, control = list(tol = 1e-15, maxiter = 10000, tau2.max = 1e5))$random)
  moments <- rma(d$tau, d$v, method = "DL")
  result <- list(
    n = d$n, tau_b_of_centres = d$tau, c = c,
    tau_b = floored$beta[1], se = floored$se, t = floored$zval, df = floored$dfs, p_value = floored$pval,
    ci_low = floored$ci.lb, ci_high = floored$ci.ub,
    plain_se = plain$se,
    tau2 = floored$tau2, tau2_low = between["tau^2", "ci.lb"], tau2_high = between["tau^2", "ci.ub"],
    q = moments$QE, q_p_value = moments$QEp, i2 = moments$I2 / 100
  )
  if (k > 2) {
    new <- predict(floored, pi.type = "riley")
    result$pi_low <- new$pi.lb
    result$pi_high <- new$pi.ub
    if (length(unique(d$n)) > 1) {
      line <- model(d, mods = ~ I(1 / sqrt(d$n)), test = "adhoc")
      result$small_study_slope <- line$beta[2]
      result$small_study_se <- line$se[2]
      result$small_study_p <- line$pval[2]
    }
    result$without <- do.call(rbind, lapply(seq_len(k), function(j) {
      others <- d[-j, ]
      others$v <- pooled_c(others) / others$n
      rest <- model(others, test = "adhoc")
      data.frame(tau_b = rest$beta[1], ci_low = rest$ci.lb, ci_high = rest$ci.ub, tau2 = rest$tau2,
                 i2 = rma(others$tau, others$v, method = "DL")$I2 / 100)
    }))
  }
  result
}

rows <- read.csv("random_effects.csv")
results <- lapply(split(rows, factor(rows$dataset, unique(rows$dataset))), of_dataset)
versions <- list(R = as.character(getRversion()), metafor = as.character(packageVersion("metafor")))
cat(toJSON(list(versions = versions, results = results), digits = NA, auto_unbox = TRUE, pretty = 1, dataframe = "columns"), "\n")
