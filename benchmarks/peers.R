# What a user of R writes: data drawn and fitted in a loop, formulas and summaries.
#
#     Rscript peers.R wald|kenward-roger REPLICATIONS SEED
#
# Prints seconds of a replication, seconds of its data alone, and versions, a line each.
arguments <- commandArgs(trailingOnly = TRUE)
kenward_roger <- arguments[1] == "kenward-roger"
n_replications <- as.integer(arguments[2])
set.seed(as.integer(arguments[3]))

needed <- if (kenward_roger) c("lme4", "lmerTest", "pbkrtest") else "lme4"
there <- vapply(needed, requireNamespace, logical(1), quietly = TRUE)
if (!all(there)) {
  cat("missing", needed[!there], "\n")
  quit(status = 0)
}
if (kenward_roger) {
  suppressPackageStartupMessages(library(lmerTest))
} else {
  library(lme4, warn.conflicts = FALSE, quietly = TRUE)
}

n_clusters <- 30
cluster_size <- 20
icc <- 0.1
x_icc <- 0.5

draw <- function() {
  g <- rep(seq_len(n_clusters), each = cluster_size)
  n <- length(g)
  x <- sqrt(x_icc) * rnorm(n_clusters)[g] + sqrt(1 - x_icc) * rnorm(n)
  y <- sqrt(icc) * rnorm(n_clusters)[g] + sqrt(1 - icc) * rnorm(n)
  data.frame(y = y, x = x, g = factor(g))
}

fit <- function(d) {
  mixed <- suppressMessages(lmer(y ~ x + (1 | g), data = d))
  list(
    pooled = coef(summary(lm(y ~ x, data = d)))["x", ],
    dummy = coef(summary(lm(y ~ x + g, data = d)))["x", ],
    random_intercept = if (kenward_roger) {
      coef(summary(mixed, ddf = "Kenward-Roger"))["x", ]
    } else {
      coef(summary(mixed))["x", ]
    }
  )
}

now <- function() proc.time()[["elapsed"]]
for (i in 1:5) fit(draw())
found <- vector("list", n_replications)
start <- now()
for (i in seq_len(n_replications)) found[[i]] <- fit(draw())
spent <- now() - start
start <- now()
for (i in seq_len(20 * n_replications)) draw()
drawn <- (now() - start) / 20

versions <- vapply(needed, function(p) paste(p, packageVersion(p)), "")
cat(spent / n_replications, "\n", drawn / n_replications, "\n", sep = "")
cat(paste(c(paste("R", getRversion()), versions), collapse = ", "), "\n")
