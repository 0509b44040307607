# A hundred random unbalanced data sets whose clusters are very unlike each other, and the answers
# of R's packages; run in this folder. Writes hundred_data.csv and hundred_answers.csv.
# lme4 starts from one theta and may stop at the worse of two optima: the criterion is looked at
# over 400 thetas first and lmer started at the best of them; `plain` says how far above that the
# criterion of lmer's own start ends. Of each listed design, two sets in five (seven in ten of the
# first) are drawn again, up to 400 times, until the criterion of REML or of ML has two optima.
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest); library(clubSandwich)})
set.seed(20261126)
ctl <- lmerControl(optimizer = "nloptwrap", optCtrl = list(algorithm = "NLOPT_LN_BOBYQA",
  xtol_abs = 1e-14, xtol_rel = 1e-14, ftol_abs = 1e-14, ftol_rel = 1e-15, maxeval = 5000),
  calc.derivs = FALSE, check.conv.singular = "ignore", check.nobs.vs.nlev = "ignore",
  check.nobs.vs.nRE = "ignore", check.nobs.vs.rankZ = "ignore")
listed <- list(c(200, rep(2, 40)), c(50, rep(1, 24)), c(100, rep(3, 19)), c(60, rep(3, 14)),
  c(30, rep(2, 29)), c(rep(2, 20), 20, 1), c(rep(1, 26), 2, 2), c(rep(1, 14), 3, 3),
  c(rep(1, 15), 10, 10), c(rep(1, 36), rep(3, 4)), c(rep(1, 50), rep(2, 10)))
drawn <- list(
  geometric = function(J) 1 + rgeom(J, 1 / 8),
  lognormal = function(J) pmax(1, round(rlnorm(J, log(10) - log(3.25) / 2, sqrt(log(3.25))))),
  few = function(J) sample(1:3, J, TRUE),
  many = function(J) sample(5:35, J, TRUE))
sizes <- c(rep(listed, 5), rep(listed[1], 5))  # 60 sets
for (kind in names(drawn)) for (J in c(5, 12, 13, 20, 60)) for (k in 1:2) {
  repeat { n <- drawn[[kind]](J); if (sum(n) >= J + 4) break }
  sizes[[length(sizes) + 1]] <- n
}
thetas <- function(k) c(0, exp(seq(log(1e-3), log(30), length.out = k)))
profile <- function(d, reml, t) sapply(t, lmer(y ~ x + (1 | g), d, REML = reml, control = ctl, devFunOnly = TRUE))
best <- function(d, reml) {
  t <- thetas(400); start <- list(theta = t[which.min(profile(d, reml, t))])
  suppressMessages(lmer(y ~ x + (1 | g), d, REML = reml, control = ctl, start = start))
}
optima <- function(d, reml) {
  v <- c(Inf, profile(d, reml, thetas(40)), Inf)
  sum(diff(sign(diff(v))) > 0)
}
plain <- function(d, reml, at) -2 * as.numeric(logLik(suppressMessages(
  lmer(y ~ x + (1 | g), d, REML = reml, control = ctl)))) - at
data <- answers <- NULL
for (id in seq_along(sizes)) {
  n <- sizes[[id]]; J <- length(n); g <- rep(1:J, n); N <- sum(n)
  share <- c(0, .5, 1)[1 + id %% 3]; icc <- c(0, .05, .2, .5)[1 + id %% 4]
  for (again in 1:400) {
    x <- round(sqrt(share) * rnorm(J)[g] + sqrt(1 - share) * rnorm(N), 6)
    y <- round(sqrt(icc) * rnorm(J)[g] + sqrt(1 - icc) * rnorm(N), 6)
    d <- data.frame(id, g, x, y)
    if (id > 60 || (id > 22 && id < 56) || max(optima(d, TRUE), optima(d, FALSE)) > 1) break
  }
  data <- rbind(data, d)
  f <- best(d, TRUE); m <- best(d, FALSE)
  A <- vcovAdj(f); p <- lm(y ~ x, d); sp <- summary(p)$coefficients
  row <- data.frame(id, J, N, share, icc, optima = optima(d, TRUE), ml_optima = optima(d, FALSE),
    theta = getME(f, "theta"), sigma = sigma(f), criterion = REMLcrit(f), b = fixef(f)[2],
    se = sqrt(vcov(f)[2, 2]), kse = sqrt(as.matrix(A)[2, 2]), kdf = Lb_ddf(c(0, 1), vcov(f), A),
    sat = suppressMessages(contest1D(as_lmerModLmerTest(f), c(0, 1), ddf = "Satterthwaite")$df),
    plain = plain(d, TRUE, REMLcrit(f)),
    ml_theta = getME(m, "theta"), ml_sigma = sigma(m), ml_criterion = -2 * as.numeric(logLik(m)),
    ml_b = fixef(m)[2], ml_se = sqrt(vcov(m)[2, 2]), ml_plain = plain(d, FALSE, -2 * as.numeric(logLik(m))),
    ols_b = sp[2, 1], ols_se = sp[2, 2], dummy_b = NA, dummy_se = NA)
  d$xd <- d$x - ave(d$x, d$g); d$yd <- d$y - ave(d$y, d$g)
  if (share < 1) {
    w <- lm(y ~ x + factor(g), d); row$dummy_b <- coef(w)[2]; row$dummy_se <- summary(w)$coefficients[2, 2]
  }
  for (se in c("CR0", "CR1", "CR1S", "CR2", "CR3")) {
    t <- tryCatch(coef_test(p, vcov = se, cluster = d$g, test = "Satterthwaite"), error = function(e) NULL)
    row[[paste0(se, "_se")]] <- if (is.null(t)) NA else t["x", "SE"]
    row[[paste0(se, "_df")]] <- if (is.null(t)) NA else t["x", "df_Satt"]
    t <- if (share == 1 || se == "CR1S") NULL else tryCatch(
      coef_test(lm(yd ~ 0 + xd, d), vcov = se, cluster = d$g, test = "Satterthwaite"), error = function(e) NULL)
    row[[paste0("dummy_", se, "_se")]] <- if (is.null(t)) NA else t["xd", "SE"]
    row[[paste0("dummy_", se, "_df")]] <- if (is.null(t)) NA else t["xd", "df_Satt"]
  }
  answers <- rbind(answers, row); cat(id, "")
}
options(digits = 17)
put <- function(frame, file) write.csv(format(frame, digits = 17, trim = TRUE), file, row.names = FALSE, quote = FALSE)
write.csv(data, "hundred_data.csv", row.names = FALSE, quote = FALSE); put(answers, "hundred_answers.csv")
