# Kendall's z and p of each table in tables.csv, and its p corrected for how many tables there are, by R's base.
# Run in this folder: Rscript tables.R > tables.json
suppressPackageStartupMessages(library(jsonlite))

cells <- read.csv("tables.csv")
of_table <- function(rows) {
  test <- cor.test(rep(rows$x, rows$count), rep(rows$y, rows$count), method = "kendall", exact = FALSE)
  list(tau_b = unname(test$estimate), z = unname(test$statistic), p_value = test$p.value)
}
strata <- unique(cells$stratum)
found <- lapply(strata, function(name) of_table(cells[cells$stratum == name, ]))
p <- sapply(found, function(one) one$p_value)
write_json(
  list(
    made_by = R.version.string,
    tables = setNames(found, strata),
    p_holm = setNames(as.list(p.adjust(p, "holm")), strata),
    p_bh = setNames(as.list(p.adjust(p, "BH")), strata)
  ),
  stdout(), digits = NA, auto_unbox = TRUE, pretty = TRUE
)
