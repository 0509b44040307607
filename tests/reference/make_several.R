# A hundred random data sets with one to five predictors, and the answers of R's packages; run in
# this folder. Writes several_data.csv and several_answers.csv (a row a set, model and term).
# Predictors vary within clusters, between them or both, some are 0 and 1, and they are correlated.
# Each mixed fit is the lowest criterion of four starts of lme4's optimiser.
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest); library(clubSandwich)
  library(geepack)})
set.seed(20261127)
ctl <- lmerControl(optimizer = "nloptwrap", optCtrl = list(algorithm = "NLOPT_LN_BOBYQA",
  xtol_abs = 1e-14, xtol_rel = 1e-14, ftol_abs = 1e-14, ftol_rel = 1e-15, maxeval = 5000),
  calc.derivs = FALSE, check.conv.singular = "ignore", check.nobs.vs.nlev = "ignore",
  check.nobs.vs.nRE = "ignore", check.nobs.vs.rankZ = "ignore")
best <- function(formula, d, reml) {
  fits <- lapply(c(0, .1, 1, 5), function(theta)
    suppressMessages(do.call(lmer, list(formula, data = d, REML = reml, control = ctl,
      start = list(theta = theta)))))
  value <- sapply(fits, function(f) if (reml) REMLcrit(f) else -2 * as.numeric(logLik(f)))
  fits[[which.min(value)]]
}
data <- answers <- NULL
add <- function(id, model, term, estimate, se, df = NA)
  answers <<- rbind(answers, data.frame(id, model, term, estimate, se, df, row.names = NULL))
for (id in 1:100) {
  p <- 1 + (id - 1) %% 5
  J <- sample(c(8, 9, 12, 15, 20), 1) + p
  n <- if (id %% 3 == 0) rep(sample(2:6, 1), J) else sample(1:8, J, TRUE)
  if (sum(n) < J + p + 4) n <- n + 1
  g <- rep(1:J, n); N <- sum(n)
  share <- sample(c(0, .3, .7, 1), p, TRUE)
  common <- rnorm(N)
  X <- sapply(1:p, function(k) {
    v <- sqrt(share[k]) * rnorm(J)[g] + sqrt(1 - share[k]) * (.6 * common + .8 * rnorm(N))
    if (share[k] == 0 && runif(1) < .4) v <- as.numeric(v > 0)
    if (share[k] == 1 && runif(1) < .4) v <- sample(rep(0:1, length.out = J))[g]
    round(v, 3)
  })
  colnames(X) <- paste0("x", 1:p)
  icc <- c(0, .05, .2, .5)[1 + id %% 4]
  y <- round(drop(X %*% rnorm(p, 0, .3)) + sqrt(icc) * rnorm(J)[g] + sqrt(1 - icc) * rnorm(N), 3)
  d <- data.frame(X, y, g)
  keep <- cbind(X, x1 = NA, x2 = NA, x3 = NA, x4 = NA, x5 = NA)[, paste0("x", 1:5), drop = FALSE]
  data <- rbind(data, data.frame(id, g, keep, y))
  fixed <- paste("y ~", paste(colnames(X), collapse = " + "))
  pooled <- lm(as.formula(fixed), d)
  s <- summary(pooled)$coefficients
  add(id, "pooled", rownames(s), s[, 1], s[, 2], pooled$df.residual)
  for (se in c("CR0", "CR1S", "CR2", "CR3")) {
    t <- tryCatch(coef_test(pooled, vcov = se, cluster = g, test = "Satterthwaite"), error = function(e) NULL)
    if (!is.null(t)) add(id, se, rownames(s), t$beta, t$SE, t$df_Satt)
  }
  within <- sapply(1:p, function(k) any(tapply(X[, k], g, function(v) diff(range(v))) > 0))
  if (any(within)) {
    W <- sapply(which(within), function(k) X[, k] - ave(X[, k], g)); colnames(W) <- colnames(X)[within]
    f <- lm(y - ave(y, g) ~ 0 + W)
    free <- N - J - sum(within)
    add(id, "dummy", colnames(W), coef(f), summary(f)$coefficients[, 2] * sqrt(f$df.residual / free), free)
    for (se in c("CR0", "CR2")) {
      t <- tryCatch(coef_test(f, vcov = se, cluster = g, test = "Satterthwaite"), error = function(e) NULL)
      if (!is.null(t)) add(id, paste0("dummy_", se), colnames(W), t$beta, t$SE, t$df_Satt)
    }
  }
  mixed <- as.formula(paste(fixed, "+ (1 | g)"))
  r <- best(mixed, d, TRUE); m <- best(mixed, d, FALSE)
  test <- as_lmerModLmerTest(r); A <- vcovAdj(r)
  add(id, "criterion", c("reml", "ml"), c(REMLcrit(r), -2 * as.numeric(logLik(m))), NA)
  add(id, "theta", c("reml", "ml"), c(getME(r, "theta"), getME(m, "theta")), NA)
  L <- diag(p + 1)
  sat <- sapply(1:(p + 1), function(k) suppressMessages(contest1D(test, L[k, ], ddf = "Satterthwaite")$df))
  kr <- sapply(1:(p + 1), function(k) Lb_ddf(L[k, ], vcov(r), A))
  add(id, "satterthwaite", names(fixef(r)), fixef(r), sqrt(diag(as.matrix(vcov(r)))), sat)
  add(id, "kenward_roger", names(fixef(r)), fixef(r), sqrt(diag(as.matrix(A))), kr)
  add(id, "ml", names(fixef(m)), fixef(m), sqrt(diag(as.matrix(vcov(m)))))
  gee <- tryCatch(geeglm(as.formula(fixed), data = d, id = g, corstr = "exchangeable",
    control = geese.control(epsilon = 1e-12, maxit = 500)), error = function(e) NULL)
  if (!is.null(gee) && gee$geese$error == 0) {
    s <- summary(gee)$coefficients; add(id, "gee", rownames(s), s[, 1], s[, 2])
  }
  cat(id, "")
}
put <- function(frame, file) write.csv(format(frame, digits = 15, trim = TRUE), file, row.names = FALSE, quote = FALSE)
write.csv(data, "several_data.csv", row.names = FALSE, quote = FALSE, na = ""); put(answers, "several_answers.csv")
