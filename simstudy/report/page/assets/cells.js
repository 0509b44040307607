/* Which rows a view shows. */

simstudy.cells = (() => {
  /* Numbers of the measure and of its alpha, as rows have them. */
  function codes(view, data) {
    const measure = data.measures.findIndex((one) => one.name === view.measure);
    const levels = simstudy.view.alphasOf(data, view.measure);
    return { measure, alpha: levels.length ? data.alphas.findIndex((level) => String(level) === view.alpha) : null };
  }

  /* Methods that are not left out, in the order of the study. */
  function methods(view, data) {
    return data.methods.map((method, code) => ({ ...method, code }))
      .filter((method) => !view.without.has(method.label));
  }

  /* Scenarios of the levels that are shown or held in which the measure is defined. */
  function scenarios(view, data, row) {
    const held = simstudy.view.heldFactors(view, data);
    const kept = data.factors.map((factor) => factor.keys.map((key) =>
      held.includes(factor) ? key === view.held.get(factor.name) : !view.hidden.get(factor.name).has(key)));
    const found = [];
    for (let s = 0; s < data.scenarios.length; s++) {
      if (!data.factors.every((factor, k) => kept[k][factor.codes[s]])) continue;
      if (data.methods.some((_, code) => row(s, code) >= 0)) found.push(s);
    }
    return found;
  }

  /* (scenario, method) -> row of the measure, -1 where there is none. */
  function index(view, data) {
    const { measure, alpha } = codes(view, data);
    const width = data.methods.length;
    const rows = new Int32Array(data.scenarios.length * width).fill(-1);
    const { columns } = data;
    for (let i = 0; i < data.n; i++) {
      if (columns.measure[i] !== measure) continue;
      if (alpha !== null && columns.alpha[i] !== alpha) continue;
      rows[columns.scenario[i] * width + columns.method[i]] = i;
    }
    return (scenario, method) => rows[scenario * width + method];
  }

  return { codes, methods, scenarios, index };
})();
