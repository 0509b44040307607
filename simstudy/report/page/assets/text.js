/* Numbers and levels as readers know them. */

simstudy.text = (() => {
  const NONE = "–";

  /* A number with so many decimals; proportions go without their leading zero. */
  function number(value, places, proportion = false) {
    if (!Number.isFinite(value)) return NONE;
    if (value && (places > 8 || Math.abs(value) >= 1e9)) return value.toExponential(1).replaceAll("-", "−");
    const text = value.toFixed(Math.min(places, 8)).replace(/^-(0(\.0*)?)$/, "$1").replace("-", "−");
    return proportion ? text.replace(/^(−?)0\./, "$1.") : text;
  }

  /* Decimals at which a Monte Carlo error shows two significant digits. */
  function places(mcse, measure) {
    if (!(mcse > 0 && mcse < Infinity)) return measure.decimals;
    return Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(mcse))));
  }

  function count(n) {
    return n.toLocaleString("en");
  }

  /* A level or an alpha: .05 in rates, 0.05 in factors. */
  function rate(value) {
    return String(value).replace(/^0\./, ".");
  }

  /* Text that fits a tick or a heading. */
  function short(text, most) {
    const letters = Array.from(text);
    return letters.length > most ? letters.slice(0, most - 1).join("") + "…" : text;
  }

  /* The numbers of a row, as words. */
  function reading(data, row) {
    const { columns } = data;
    const measure = data.measures[columns.measure[row]];
    const decimals = places(columns.mcse[row], measure);
    const shown = (value) => number(value, decimals, measure.proportion);
    const theory = columns.theory[row];
    return {
      title: titled(data, measure, columns.alpha[row]),
      value: shown(columns.value[row]),
      mcse: shown(columns.mcse[row]),
      low: shown(columns.ci_low[row]),
      high: shown(columns.ci_high[row]),
      used: count(columns.n_used[row]),
      unused: count(columns.n_not_used[row]),
      theory: Number.isNaN(theory) ? "" : number(theory, measure.proportion ? Math.max(decimals, 3) : decimals, measure.proportion),
      kind: data.theories[columns.theory_kind[row]] || "",
      verdict: data.verdicts[columns.verdict[row]] || "",
    };
  }

  function titled(data, measure, alpha) {
    const level = data.alphas[alpha];
    return level === undefined ? measure.title : `${measure.title} at alpha ${rate(level)}`;
  }

  return { NONE, number, places, count, rate, short, reading, titled };
})();
