# Thirty random tables with text, numbers, missing values, empty levels and columns that depend on
# others, and what R makes of their formulas: the columns of model.matrix in lm, and which of them
# lm and lmer drop. Run in this folder; writes data.csv and answers.json.
suppressMessages({library(lme4); library(jsonlite)})
set.seed(20261126); invisible(Sys.setlocale("LC_COLLATE", "C"))
formulas <- c("x + z", "x + a", "a + x", "x * a", "b * a", "a * b * x", "x + z:a", "a + a:b",
  "x:a + z", "(x + z) * b", "C(k) + x", "C(k) * b", "x + C(k):z", "x + z + w", "a + v + x",
  "x + one + z", "b:x + x", "x + k + C(k)", "x * z * b", "x + a * b + z:b",
  "a + b + x:a:b", "near5 + x + z", "x + z + near6", "x + z + near8", "x + z + near9",
  # without the terms inside them: R has as many columns as there are cells
  "x + a:b", "a:b", "z + a:C(k)", "x + C(k) + a:b:x", "x + z:C(k) + z:a")
data <- NULL; answers <- list()
for (id in seq_along(formulas)) {
  n <- sample(30:45, 1); whole <- function() sample(-9:9, n, TRUE)
  d <- data.frame(id, g = sample(c("s1", "s2", "s3", "s4", "s5"), n, TRUE), y = whole(),
    x = whole(), z = whole(), a = sample(c("low", "mid", "High", "none"), n, TRUE),
    b = sample(c("u", "v"), n, TRUE), k = sample(c(1, 2, 10), n, TRUE))
  if (id %% 3 == 0) d$a[d$a == "mid" & d$b == "v"] <- "low"  # an empty cell
  d$w <- d$x - 2 * d$z; d$one <- 7; d$v <- match(d$a, c("none", "mid", "High", "low"))^2
  for (e in c(5, 6, 8, 9)) {
    near <- paste0("near", e)
    d[[near]] <- if (grepl(near, formulas[id])) round(d$x + d$z + 10^-e * rnorm(n), 12) else NA
  }
  for (column in c("y", "x", "z", "a", "b", "k", "g")) d[[column]][sample(n, id %% 3)] <- NA
  levels <- if (id %% 2) sort(unique(d$a)) else c("mid", "unused", "none", "low", "High")
  data <- rbind(data, d)
  d$a <- factor(d$a, levels); d <- d[!is.na(d$g), ]; d <- d[order(d$g), ]
  right <- gsub("C(", "factor(", formulas[id], fixed = TRUE)
  fit <- lm(as.formula(paste("y ~", right)), d); X <- model.matrix(fit)
  gone <- names(coef(fit))[is.na(coef(fit))]
  mixed <- suppressMessages(suppressWarnings(lFormula(as.formula(paste("y ~", right, "+ (1 | g)")), d)))
  stopifnot(setequal(gone, setdiff(colnames(X), colnames(mixed$X))))
  answers[[id]] <- list(id = id, formula = formulas[id], levels = levels, names = colnames(X)[-1],
    aliased = gone, columns = apply(X[, -1, drop = FALSE], 2, function(v) paste(format(v, digits = 17,
      trim = TRUE, drop0trailing = TRUE), collapse = " "), simplify = FALSE))
  names(answers[[id]]$columns) <- NULL
}
cells <- data.frame(lapply(data, function(v) if (is.numeric(v)) format(v, digits = 17, trim = TRUE,
  drop0trailing = TRUE) else v))
cells[is.na(data)] <- ""
write.csv(cells, "data.csv", row.names = FALSE, quote = FALSE)
lines <- sapply(answers, function(a) { one <- c("id", "formula")
  toJSON(c(lapply(a[one], unbox), a[setdiff(names(a), one)])) })
writeLines(paste0("[", paste(lines, collapse = ",\n"), "]"), "answers.json")
