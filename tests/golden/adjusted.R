# Partial and stratified tau_b from records, for tests/golden/test_adjusted_golden.py.
# Run in this folder:  Rscript adjusted.R > adjusted.json
# tau_b of two variables is R's cor(method = "kendall"), z of a stratum cor.test's. The partial tau comes twice: by
# Kendall's formula, and from the inverse of the matrix of the three. What is pooled over centres or strata is counted
# pair by pair.
suppressPackageStartupMessages(library(jsonlite))

draw <- function(seed, centres, n, levels, pull) {
  set.seed(seed)
  do.call(rbind, lapply(seq_len(centres), function(centre) {
    z <- sample(levels[3], n[centre], replace = TRUE)
    lean <- pull * (z - mean(z))
    x <- pmin(levels[1], pmax(1, round(1 + (levels[1] - 1) * runif(n[centre]) + lean)))
    y <- pmin(levels[2], pmax(1, round(1 + (levels[2] - 1) * runif(n[centre]) + lean + 0.3 * (x - 1))))
    data.frame(centre = centre, x = x, y = y, z = z)
  }))
}

data <- list(
  two_by_three_by_four = list(levels = c(2, 3, 4), rows = draw(11, 4, c(25, 40, 12, 60), c(2, 3, 4), 0.2)),
  three_by_three_by_two = list(levels = c(3, 3, 2), rows = draw(12, 3, c(30, 30, 80), c(3, 3, 2), 0.5)),
  four_by_three_by_three = list(levels = c(4, 3, 3), rows = draw(13, 5, c(18, 25, 33, 21, 50), c(4, 3, 3), -0.3))
)

tau_b <- function(a, b) suppressWarnings(cor(a, b, method = "kendall"))
partial <- function(xy, xz, yz) (xy - xz * yz) / sqrt((1 - xz^2) * (1 - yz^2))

by_inverse <- function(rows) {
  inverse <- solve(suppressWarnings(cor(rows[c("x", "y", "z")], method = "kendall")))
  -inverse[1, 2] / sqrt(inverse[1, 1] * inverse[2, 2])
}

# S and the untied pairs of two columns, over the pairs of records that `alike` lets in
sums <- function(rows, a, b, alike) {
  first <- sign(outer(rows[[a]], rows[[a]], "-"))
  second <- sign(outer(rows[[b]], rows[[b]], "-"))
  c(s = sum(first * second * alike), x = sum(abs(first) * alike), y = sum(abs(second) * alike)) / 2
}
tau_of <- function(found) unname(found["s"] / sqrt(found["x"] * found["y"]))

# Var0 depends on the margins only: with both variables sorted S is not 0, and cor.test prints z = S / sqrt(Var0).
# None where a variable does not vary.
var0 <- function(rows) {
  if (length(unique(rows$x)) < 2 || length(unique(rows$y)) < 2) return(NULL)
  sorted <- data.frame(x = sort(rows$x), y = sort(rows$y))
  test <- cor.test(sorted$x, sorted$y, method = "kendall", exact = FALSE)
  s <- sums(sorted, "x", "y", matrix(1, nrow(rows), nrow(rows)))["s"]
  unname((s / test$statistic)^2)
}

stratified <- function(rows) {
  alike <- outer(rows$z, rows$z, "==") & outer(rows$centre, rows$centre, "==")
  found <- sums(rows, "x", "y", alike)
  parts <- unlist(lapply(split(rows, list(rows$centre, rows$z), drop = TRUE), var0))
  z <- unname(found["s"] / sqrt(sum(parts)))
  list(tau_b = tau_of(found), strata = length(parts), p_value = 2 * pnorm(-abs(z)))
}

together <- function(rows) {
  alike <- outer(rows$centre, rows$centre, "==")
  partial(tau_of(sums(rows, "x", "y", alike)), tau_of(sums(rows, "x", "z", alike)), tau_of(sums(rows, "y", "z", alike)))
}

of_data <- function(set) {
  rows <- set$rows
  centres <- split(rows, rows$centre)
  list(
    levels = set$levels, centre = rows$centre, x = rows$x, y = rows$y, z = rows$z,
    partial = unname(sapply(centres, function(one) partial(tau_b(one$x, one$y), tau_b(one$x, one$z), tau_b(one$y, one$z)))),
    partial_by_inverse = unname(sapply(centres, by_inverse)),
    partial_together = together(rows),
    stratified = unname(lapply(centres, stratified)),
    stratified_together = stratified(rows)
  )
}

versions <- list(R = paste(R.version$major, R.version$minor, sep = "."))
cat(toJSON(list(versions = versions, results = lapply(data, of_data)), auto_unbox = TRUE, digits = 15))
cat("\n")
