# A hundred random data sets with one to five predictors, of which the first, x1, has a random
# slope, and the answers of R's packages; run in this folder. Writes slopes_data.csv and
# slopes_answers.csv (a row a term of each fit: (1 + x1 | g) and (x1 || g), by REML and by ML).
# Of every three sets one is drawn again until the REML fit of (1 + x1 | g) is singular.
# lme4's optimisers stop at worse optima now and then: the criterion is minimised from many starts
# by two optimisers, lmer then starts at the best theta, and `plain` says how far above the lowest
# criterion lmer's own start ends.
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest)})
set.seed(20261127)
tight <- list(algorithm = "NLOPT_LN_BOBYQA", xtol_abs = 1e-13, xtol_rel = 1e-13,
  ftol_abs = 1e-14, ftol_rel = 1e-15, maxeval = 5000)
control <- function(optimizer = "nloptwrap", with = tight) lmerControl(optimizer = optimizer,
  optCtrl = with, calc.derivs = FALSE, check.conv.singular = "ignore", check.nobs.vs.nlev =
  "ignore", check.nobs.vs.nRE = "ignore", check.nobs.vs.rankZ = "ignore", check.scaleX = "ignore")
starts <- list(full = list(c(1, 0, 1), c(.1, 0, .1), c(3, 0, .3), c(.3, 0, 3), c(.5, .5, .1),
    c(.5, -.5, .1), c(1, 2, .1), c(1, -2, .1), c(.05, 1, .05), c(.05, -1, .05), c(4, 4, 1), c(2, 0, .02)),
  diagonal = list(c(1, 1), c(.1, .1), c(3, .3), c(.3, 3), c(1, .02), c(.02, 1)))
quiet <- function(e) suppressMessages(suppressWarnings(e))
best <- function(f, d, reml, kind) {
  devfun <- quiet(lmer(f, d, REML = reml, control = control(), devFunOnly = TRUE))
  low <- if (kind == "full") c(0, -Inf, 0) else c(0, 0)
  found <- lapply(starts[[kind]], function(s) {
    a <- nloptr::nloptr(s, devfun, lb = low, opts = tight)$solution
    b <- quiet(minqa::bobyqa(a, devfun, low, control = list(rhobeg = .2 * min(1, max(abs(a), .05)), rhoend = 1e-9)))$par
    list(theta = b, value = devfun(b), first = a, was = devfun(a))
  })
  values <- sapply(found, function(v) min(v$value, v$was))
  k <- found[[which.min(values)]]
  start <- if (k$value <= k$was) k$theta else k$first
  for (w in list(list("nloptwrap", tight), list("bobyqa", list(rhobeg = 1e-3, rhoend = 1e-10)))) {
    m <- quiet(lmer(f, d, REML = reml, control = control(w[[1]], w[[2]]), start = start))
    if (!exists("keep") || crit(m) < crit(keep)) keep <- m
  }
  list(fit = keep, plain = crit(quiet(lmer(f, d, REML = reml, control = lmerControl(calc.derivs = FALSE,
    check.nobs.vs.nRE = "ignore", check.nobs.vs.nlev = "ignore", check.conv.singular = "ignore")))) - crit(keep),
    optima = length(unique(round(sort(values), 4))))
}
crit <- function(m) if (isREML(m)) REMLcrit(m) else -2 * as.numeric(logLik(m))
draw <- function(id) {
  p <- 1 + id %% 5; J <- sample(c(4:12, 15, 20), 1)
  n <- if (id %% 2) rep(sample(3:7, 1), J) else sample(2:9, J, TRUE)
  g <- rep(1:J, n); N <- sum(n)
  share <- c(0, .3, .7)[1 + id %% 3]
  x <- matrix(0, N, p)
  x[, 1] <- round(c(0, 1.5, -4)[1 + id %% 4 %% 3] + sqrt(share) * rnorm(J)[g] + sqrt(1 - share) * rnorm(N), 3)
  if (id %% 7 == 0) x[, 1] <- sequence(n) - 1
  for (k in seq_len(p)[-1]) x[, k] <- switch(1 + k %% 3, round(.5 * x[, 1] + rnorm(N), 3),
    sample(rep(0:1, length.out = J))[g], round(rnorm(J)[g] + .7 * rnorm(N), 3))
  colnames(x) <- paste0("x", 1:p)
  flat <- id %% 3 == 0
  sd <- if (flat) list(c(.4, 0, 0), c(0, .4, 0), c(.5, .5, 1), c(0, 0, 0))[[1 + id %/% 3 %% 4]] else
    c(sample(c(.4, .8, 1.5), 1), sample(c(.3, .7, 1.5), 1), sample(c(-.5, 0, .5), 1))
  u <- rnorm(J); v <- sd[3] * u + sqrt(1 - sd[3]^2) * rnorm(J)
  y <- round(sd[1] * u[g] + sd[2] * v[g] * x[, 1] + .3 * rowSums(x) + rnorm(N), 3)
  list(d = data.frame(id, g, x, y), p = p, J = J, N = N)
}
usable <- function(s) qr(model.matrix(formula(s, ""), s$d))$rank == s$p + 1 && s$N - s$p - 1 >= 8 &&
  sum(sapply(split(s$d$x1, s$d$g), function(v) length(unique(v)) > 1)) >= 3 &&
  qr(cbind(model.matrix(~ factor(s$d$g)), model.matrix(~ 0 + factor(s$d$g):s$d$x1),
    as.matrix(s$d[paste0("x", 1:s$p)])))$rank <= s$N - 1
formula <- function(s, random) as.formula(paste(if (random == "") "~" else "y ~",
  paste0("x", 1:s$p, collapse = " + "), random))
one <- function(id, s, kind, reml) {
  f <- formula(s, if (kind == "full") "+ (1 + x1 | g)" else "+ (x1 || g)")
  at <- best(f, s$d, reml, kind); m <- at$fit; k <- s$p + 1
  # pbkrtest and lmerTest read the call again: it must hold the formula and the data themselves
  m@call <- as.call(list(quote(lmer), f, s$d, REML = reml))
  sat <- kse <- kdf <- rep(NA, k)
  if (reml) {
    t <- tryCatch(quiet(as_lmerModLmerTest(m)), error = function(e) NULL)
    if (!is.null(t)) sat <- sapply(1:k, function(i)
      tryCatch(quiet(contest1D(t, replace(numeric(k), i, 1), ddf = "Satterthwaite")$df), error = function(e) NA))
    A <- tryCatch(quiet(vcovAdj(m)), error = function(e) NULL)
    if (!is.null(A)) {
      kse <- sqrt(diag(as.matrix(A)))
      kdf <- sapply(1:k, function(i) tryCatch(quiet(Lb_ddf(replace(numeric(k), i, 1), vcov(m), A)), error = function(e) NA))
    }
  }
  theta <- getME(m, "theta")
  if (kind != "full") theta <- c(theta[1], 0, theta[2])
  data.frame(id, kind, estimator = if (reml) "reml" else "ml", term = 0:s$p, J = s$J, N = s$N,
    singular = as.integer(isSingular(m, 1e-5)), criterion = crit(m), theta1 = theta[1], theta2 = theta[2],
    theta3 = theta[3], sigma2 = sigma(m)^2, estimate = fixef(m), se = sqrt(diag(as.matrix(vcov(m)))),
    sat, kse, kdf, plain = signif(at$plain, 3), optima = at$optima)
}
data <- answers <- NULL
for (id in 1:100) {
  repeat {
    s <- draw(id)
    if (!usable(s)) next
    if (id %% 3 || isSingular(best(formula(s, "+ (1 + x1 | g)"), s$d, TRUE, "full")$fit, 1e-5)) break
  }
  wide <- s$d[c("id", "g")]
  for (k in 1:5) wide[[paste0("x", k)]] <- if (k <= s$p) s$d[[paste0("x", k)]] else NA
  data <- rbind(data, cbind(wide, y = s$d$y))
  for (kind in c("full", "diagonal")) for (reml in c(TRUE, FALSE)) answers <- rbind(answers, one(id, s, kind, reml))
  cat(id, "")
}
numbers <- c("criterion", "theta1", "theta2", "theta3", "sigma2", "estimate", "se", "sat", "kse", "kdf")
for (v in numbers) answers[[v]] <- ifelse(is.na(answers[[v]]), "", trimws(formatC(answers[[v]], digits = 13, format = "g")))
write.csv(data, "slopes_data.csv", row.names = FALSE, quote = FALSE, na = "")
write.csv(answers, "slopes_answers.csv", row.names = FALSE, quote = FALSE, na = "")
