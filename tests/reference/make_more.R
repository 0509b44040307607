# Answers of R's packages for small_unbalanced_data.csv; run in this folder.
#   small_unbalanced_mundlak.csv: lme4, lmerTest and pbkrtest for y ~ xw + xb + (1 | g), a row an
#     effect (the contextual one is the contrast xb - xw); x mixed, J >= 3, N - J >= 2
#   small_unbalanced_gee.csv: geepack, exchangeable; error = 1: it did not converge
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest); library(geepack)})
data <- read.csv("small_unbalanced_data.csv")
lev <- with(read.csv("small_unbalanced_answers.csv"), setNames(lev, id))
ctl <- lmerControl(optimizer = "nloptwrap", optCtrl = list(algorithm = "NLOPT_LN_BOBYQA",
  xtol_abs = 1e-14, xtol_rel = 1e-14, ftol_abs = 1e-14, ftol_rel = 1e-15, maxeval = 5000),
  calc.derivs = FALSE, check.conv.singular = "ignore", check.nobs.vs.nlev = "ignore",
  check.nobs.vs.nRE = "ignore", check.nobs.vs.rankZ = "ignore")
effects <- list(within = c(0, 1, 0), between = c(0, 0, 1), contextual = c(0, -1, 1))
mundlak <- gee <- NULL
for (id in unique(data$id)) {
  d <- data[data$id == id, ]; J <- length(unique(d$g))
  if (lev[[as.character(id)]] == "mixed" && J >= 3 && nrow(d) - J >= 2) {
    d$xb <- ave(d$x, d$g); d$xw <- d$x - d$xb
    f <- suppressMessages(lme4::lmer(y ~ xw + xb + (1 | g), d, control = ctl))
    V <- as.matrix(vcov(f)); A <- as.matrix(vcovAdj(f)); lt <- as_lmerModLmerTest(f)
    for (e in names(effects)) {
      l <- effects[[e]]
      mundlak <- rbind(mundlak, data.frame(id, effect = e, theta = getME(f, "theta"),
        sigma = sigma(f), b = sum(l * fixef(f)), se = sqrt(c(l %*% V %*% l)),
        kse = sqrt(c(l %*% A %*% l)), kdf = Lb_ddf(l, vcov(f), vcovAdj(f)),
        sat = contest1D(lt, l, ddf = "Satterthwaite")$df))
    }
  }
  g <- geese(y ~ x, id = g, data = d, corstr = "exchangeable",
             control = geese.control(epsilon = 1e-13, maxit = 5000))
  gee <- rbind(gee, data.frame(id, largest = max(table(d$g)), alpha = g$alpha, phi = g$gamma,
    b0 = g$beta[1], b = g$beta[2], se0 = sqrt(g$vbeta[1, 1]), se = sqrt(g$vbeta[2, 2]),
    model0 = sqrt(g$vbeta.naiv[1, 1]), model = sqrt(g$vbeta.naiv[2, 2]), error = g$error))
}
options(digits = 17)
put <- function(frame, file) write.csv(format(frame, digits = 17, trim = TRUE), file, row.names = FALSE, quote = FALSE)
put(mundlak, "small_unbalanced_mundlak.csv"); put(gee, "small_unbalanced_gee.csv")
