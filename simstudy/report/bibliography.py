"""The works that methods and measures cite, key -> entry.

Text cites as pandoc does, ``[@Kish1965; @Moulton1986]``; `Citations` turns that into author and
year and keeps the list of what was cited.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from simstudy.report.tables.markdown import outside_code

_CITED = re.compile(r"\[(@\w+(?:; @\w+)*)\]")


class Work(NamedTuple):
    """How a work is cited in the text, and its entry in a list of references."""

    authors: str
    year: int
    entry: str

    @property
    def full(self) -> str:
        """Entry with the year in its place, after the names."""
        names, _, rest = self.entry.partition(" | ")
        return f"{names} ({self.year}). {rest}"


WORKS = {
    "AngristPischke2009": Work(
        "Angrist & Pischke", 2009,
        "Angrist, J. D., & Pischke, J.-S. | *Mostly Harmless Econometrics: An Empiricist's "
        "Companion*. Princeton University Press.",
    ),
    "Bartlett1933": Work(
        "Bartlett", 1933,
        "Bartlett, M. S. | On the theory of statistical regression. *Proceedings of the Royal"
        " Society of Edinburgh*, 53, 260–283.",
    ),
    "Bates2015": Work(
        "Bates et al.", 2015,
        "Bates, D., Mächler, M., Bolker, B., & Walker, S. | Fitting linear mixed-effects "
        "models using lme4. *Journal of Statistical Software*, 67(1), 1–48.",
    ),
    "BellMcCaffrey2002": Work(
        "Bell & McCaffrey", 2002,
        "Bell, R. M., & McCaffrey, D. F. | Bias reduction in standard errors for linear "
        "regression with multi-stage samples. *Survey Methodology*, 28, 169–181.",
    ),
    "Bradley1978": Work(
        "Bradley", 1978,
        "Bradley, J. V. | Robustness? *British Journal of Mathematical and Statistical "
        "Psychology*, 31, 144–152.",
    ),
    "CameronGelbachMiller2008": Work(
        "Cameron et al.", 2008,
        "Cameron, A. C., Gelbach, J. B., & Miller, D. L. | Bootstrap-based improvements for "
        "inference with clustered errors. *Review of Economics and Statistics*, 90, 414–427.",
    ),
    "CameronMiller2015": Work(
        "Cameron & Miller", 2015,
        "Cameron, A. C., & Miller, D. L. | A practitioner's guide to cluster-robust "
        "inference. *Journal of Human Resources*, 50, 317–372.",
    ),
    "DonnerKlar2000": Work(
        "Donner & Klar", 2000,
        "Donner, A., & Klar, N. | *Design and Analysis of Cluster Randomization Trials in "
        "Health Research*. Arnold.",
    ),
    "DonnerKoval1980": Work(
        "Donner & Koval", 1980,
        "Donner, A., & Koval, J. J. | The estimation of intraclass correlation in the "
        "analysis of family data. *Biometrics*, 36, 19–25.",
    ),
    "HalekohHojsgaard2014": Work(
        "Halekoh & Højsgaard", 2014,
        "Halekoh, U., & Højsgaard, S. | A Kenward-Roger approximation and parametric "
        "bootstrap methods for tests in linear mixed models: The R package pbkrtest. *Journal"
        " of Statistical Software*, 59(9), 1–32.",
    ),
    "Halekoh2006": Work(
        "Halekoh et al.", 2006,
        "Halekoh, U., Højsgaard, S., & Yan, J. | The R package geepack for generalized "
        "estimating equations. *Journal of Statistical Software*, 15(2), 1–11.",
    ),
    "Harris2020": Work(
        "Harris et al.", 2020,
        "Harris, C. R., Millman, K. J., van der Walt, S. J., et al. | Array programming with "
        "NumPy. *Nature*, 585, 357–362.",
    ),
    "KenwardRoger1997": Work(
        "Kenward & Roger", 1997,
        "Kenward, M. G., & Roger, J. H. | Small sample inference for fixed effects from "
        "restricted maximum likelihood. *Biometrics*, 53, 983–997.",
    ),
    "Kish1965": Work(
        "Kish", 1965,
        "Kish, L. | *Survey Sampling*. Wiley.",
    ),
    "Kuznetsova2017": Work(
        "Kuznetsova et al.", 2017,
        "Kuznetsova, A., Brockhoff, P. B., & Christensen, R. H. B. | lmerTest package: Tests "
        "in linear mixed effects models. *Journal of Statistical Software*, 82(13), 1–26.",
    ),
    "LairdWare1982": Work(
        "Laird & Ware", 1982,
        "Laird, N. M., & Ware, J. H. | Random-effects models for longitudinal data. "
        "*Biometrics*, 38, 963–974.",
    ),
    "LiangZeger1986": Work(
        "Liang & Zeger", 1986,
        "Liang, K.-Y., & Zeger, S. L. | Longitudinal data analysis using generalized linear "
        "models. *Biometrika*, 73, 13–22.",
    ),
    "Morris2019": Work(
        "Morris et al.", 2019,
        "Morris, T. P., White, I. R., & Crowther, M. J. | Using simulation studies to "
        "evaluate statistical methods. *Statistics in Medicine*, 38, 2074–2102.",
    ),
    "Moulton1986": Work(
        "Moulton", 1986,
        "Moulton, B. R. | Random group effects and the precision of regression estimates. "
        "*Journal of Econometrics*, 32, 385–397.",
    ),
    "Mundlak1978": Work(
        "Mundlak", 1978,
        "Mundlak, Y. | On the pooling of time series and cross section data. *Econometrica*, "
        "46, 69–85.",
    ),
    "MuthenSatorra1995": Work(
        "Muthén & Satorra", 1995,
        "Muthén, B. O., & Satorra, A. | Complex sample data in structural equation modeling. "
        "*Sociological Methodology*, 25, 267–316.",
    ),
    "OlkinRubin1964": Work(
        "Olkin & Rubin", 1964,
        "Olkin, I., & Rubin, H. | Multivariate beta distributions and independence properties"
        " of the Wishart distribution. *Annals of Mathematical Statistics*, 35, 261–269.",
    ),
    "PattersonThompson1971": Work(
        "Patterson & Thompson", 1971,
        "Patterson, H. D., & Thompson, R. | Recovery of inter-block information when block "
        "sizes are unequal. *Biometrika*, 58, 545–554.",
    ),
    "PinheiroBates2000": Work(
        "Pinheiro & Bates", 2000,
        "Pinheiro, J. C., & Bates, D. M. | *Mixed-Effects Models in S and S-PLUS*. Springer.",
    ),
    "PustejovskyTipton2018": Work(
        "Pustejovsky & Tipton", 2018,
        "Pustejovsky, J. E., & Tipton, E. | Small-sample methods for cluster-robust variance "
        "estimation and hypothesis testing in fixed effects models. *Journal of Business & "
        "Economic Statistics*, 36, 672–683.",
    ),
    "SelfLiang1987": Work(
        "Self & Liang", 1987,
        "Self, S. G., & Liang, K.-Y. | Asymptotic properties of maximum likelihood estimators"
        " and likelihood ratio tests under nonstandard conditions. *Journal of the American "
        "Statistical Association*, 82, 605–610.",
    ),
    "StramLee1994": Work(
        "Stram & Lee", 1994,
        "Stram, D. O., & Lee, J. W. | Variance components testing in the longitudinal mixed "
        "effects model. *Biometrics*, 50, 1171–1177.",
    ),
    "Virtanen2020": Work(
        "Virtanen et al.", 2020,
        "Virtanen, P., Gommers, R., Oliphant, T. E., et al. | SciPy 1.0: Fundamental "
        "algorithms for scientific computing in Python. *Nature Methods*, 17, 261–272.",
    ),
    "Webb2023": Work(
        "Webb", 2023,
        "Webb, M. D. | Reworking wild bootstrap-based inference for clustered errors. "
        "*Canadian Journal of Economics*, 56, 839–858.",
    ),
    "White2010": Work(
        "White", 2010,
        "White, I. R. | simsum: Analyses of simulation studies including Monte Carlo error. "
        "*Stata Journal*, 10, 369–385.",
    ),
    "Wilson1927": Work(
        "Wilson", 1927,
        "Wilson, E. B. | Probable inference, the law of succession, and statistical "
        "inference. *Journal of the American Statistical Association*, 22, 209–212.",
    ),
    "Wooldridge2010": Work(
        "Wooldridge", 2010,
        "Wooldridge, J. M. | *Econometric Analysis of Cross Section and Panel Data* (2nd "
        "ed.). MIT Press.",
    ),
}  # fmt: skip


class Citations:
    """Citations as author and year, and the works that were cited."""

    def __init__(self) -> None:
        self._cited: set[str] = set()

    def resolve(self, text: str) -> str:
        """Replace every ``[@Key; @Key]`` but in code; `KeyError` where a key has no work."""
        return outside_code(text, lambda piece: _CITED.sub(self._parenthesis, piece))

    def _parenthesis(self, found: re.Match[str]) -> str:
        keys = [key.strip().lstrip("@") for key in found[1].split(";")]
        self._cited.update(keys)
        return "(" + "; ".join(f"{WORKS[k].authors}, {WORKS[k].year}" for k in keys) + ")"

    @property
    def entries(self) -> list[str]:
        """What was cited, in the order of the alphabet."""
        cited = [WORKS[key] for key in self._cited]
        return [work.full for work in sorted(cited, key=lambda w: (w.entry, w.year))]
