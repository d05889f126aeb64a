# Power of the test of tau_b by drawing records, for tests/golden/test_power_golden.py.
# Run in this folder:  Rscript power.R > power.json      (some minutes)
# A population lies on the line from independence to a table (or on to the table without a discordant pair), where its
# tau_b is the one assumed; p is cor.test's, without exact p and continuity correction.
suppressPackageStartupMessages(library(jsonlite))
DRAWS <- 10000

tau_b <- function(p) {
  signs <- function(k) sign(outer(seq_len(k), seq_len(k), "-"))
  s <- sum(p * (signs(nrow(p)) %*% p %*% t(signs(ncol(p)))))
  s / sqrt((1 - sum(rowSums(p)^2)) * (1 - sum(colSums(p)^2)))
}
comonotone <- function(x, y) {
  below <- outer(c(0, cumsum(x)), c(0, cumsum(y)), pmin)
  t(diff(t(diff(below))))
}
between <- function(from, to, tau) {
  w <- uniroot(function(w) tau_b((1 - w) * from + w * to) - tau, c(0, 1), tol = 1e-14)$root
  (1 - w) * from + w * to
}

mopuya <- matrix(c(7, 4, 0, 0, 8, 6), 2, byrow = TRUE)
skewed <- matrix(c(2, 1, 1, 5, 20, 40), 2, byrow = TRUE)
wide <- matrix(c(5, 3, 1, 8, 10, 5, 6, 12, 14, 2, 6, 12), 4, byrow = TRUE)
cases <- list(
  list(table = mopuya, tau_b = 0.3, n = 76), list(table = mopuya, tau_b = 0.5, n = 32),
  list(table = mopuya, tau_b = 0.65, n = 14), list(table = skewed, tau_b = 0.2, n = 120),
  list(table = wide, tau_b = 0.15, n = 260), list(table = wide, tau_b = 0.6, n = 18),
  list(table = mopuya, tau_b = -0.4, n = 42)
)

of_case <- function(case) {
  table <- case$table / sum(case$table)
  x <- rowSums(table)
  y <- colSums(table)
  independent <- outer(x, y)
  extreme <- if (case$tau_b > 0) comonotone(x, y) else comonotone(x, rev(y))[, length(y):1]
  population <- if (case$tau_b < 0) between(independent, extreme, case$tau_b)
    else if (case$tau_b <= tau_b(table)) between(independent, table, case$tau_b)
    else between(table, extreme, case$tau_b)
  set.seed(20260301)
  rejected <- replicate(DRAWS, {
    cell <- sample(length(population), case$n, replace = TRUE, prob = population)
    a <- (cell - 1) %% nrow(population)
    b <- (cell - 1) %/% nrow(population)
    if (length(unique(a)) < 2 || length(unique(b)) < 2) FALSE
    else suppressWarnings(cor.test(a, b, method = "kendall", exact = FALSE))$p.value < 0.05
  })
  list(
    table = case$table, tau_b = case$tau_b, n = case$n, cells = population,
    tau_b_max = tau_b(extreme), power = mean(rejected), draws = DRAWS
  )
}

versions <- list(R = paste(R.version$major, R.version$minor, sep = "."))
cat(toJSON(list(versions = versions, results = lapply(cases, of_case)), auto_unbox = TRUE, digits = 15, pretty = 1))
cat("\n")
