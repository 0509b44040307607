/* What is shown: kept in the part of the address after #, so that a link shows the same. */

simstudy.view = (() => {
  const METHOD = "method", ALL = "all others", NONE = "none";
  const MOST_ROWS = 8; // of panels, unless more are asked for
  const PLAIN = ["kind", "measure", "alpha", "x", "axis", "columns", "rows", "scale", "theme", "sort"];

  const varying = (data) => data.factors.filter((factor) => factor.levels.length > 1);

  /* How many combinations of levels scenarios have in which a measure is defined. */
  function combinations(data, factors, name) {
    const { measure, scenario } = data.columns;
    const wanted = data.measures.findIndex((one) => one.name === name);
    const found = new Set();
    for (let i = 0; i < data.n; i++) {
      if (measure[i] === wanted) found.add(factors.map((factor) => factor.codes[scenario[i]]).join());
    }
    return found.size;
  }

  /* The view of a page that is opened for the first time. */
  function usual(data) {
    const { measure, x, columns } = data.first;
    const others = varying(data).filter((factor) => ![x, columns].includes(factor.name));
    const few = combinations(data, others, measure) <= MOST_ROWS;
    return {
      kind: "lines",
      measure,
      alpha: String(data.alphas.find((alpha) => alpha !== null) ?? ""),
      x: x ?? METHOD,
      axis: "to scale",
      columns: columns ?? NONE,
      rows: others.length === 0 ? NONE : few ? ALL : others[0].name,
      scale: "usual",
      theme: "",
      sort: "",
      without: new Set(), // methods, by label
      hidden: new Map(data.factors.map((factor) => [factor.name, new Set()])), // levels, by key
      held: new Map(data.factors.map((factor) => [factor.name, factor.keys[factor.codes[0]]])),
      filters: new Map(), // of the table, by column
    };
  }

  function toHash(view, data) {
    const before = usual(data);
    const said = new URLSearchParams();
    for (const key of PLAIN) if (view[key] !== before[key]) said.set(key, view[key]);
    for (const label of view.without) said.append("without", label);
    for (const [name, keys] of view.hidden) for (const key of keys) said.append(`hide.${name}`, key);
    for (const [name, key] of view.held) if (key !== before.held.get(name)) said.set(`at.${name}`, key);
    for (const [name, text] of view.filters) if (text) said.set(`filter.${name}`, text);
    return said.toString();
  }

  /* The view of an address; what is not of this study is left out. */
  function fromHash(hash, data) {
    const view = usual(data);
    const factor = (name) => data.factors.find((one) => one.name === name);
    const known = {
      kind: ["lines", "loop", ...(data.intervals ? ["intervals"] : [])],
      measure: data.measures.map((measure) => measure.name),
      alpha: data.alphas.map(String),
      x: [METHOD, ...data.factors.map((one) => one.name)],
      axis: ["to scale", "logarithmic", "categories"],
      columns: [NONE, ...data.factors.map((one) => one.name)],
      rows: [NONE, ALL, ...data.factors.map((one) => one.name)],
      scale: ["usual", "linear", "logarithmic"],
      theme: ["", "light", "dark"],
    };
    for (const [key, value] of new URLSearchParams(hash.replace(/^#/, ""))) {
      const [what, name] = [key.split(".", 1)[0], key.slice(key.indexOf(".") + 1)];
      if (known[key]?.includes(value) || key === "sort") view[key] = value;
      else if (key === "without" && data.methods.some((method) => method.label === value)) view.without.add(value);
      else if (what === "hide" && factor(name)?.keys.includes(value)) view.hidden.get(name).add(value);
      else if (what === "at" && factor(name)?.keys.includes(value)) view.held.set(name, value);
      else if (what === "filter") view.filters.set(name, value);
    }
    return settled(view, data);
  }

  /* A view in which a factor has one role, and a measure an alpha that it has. */
  function settled(view, data) {
    if (view.columns === view.x) view.columns = NONE;
    if ([view.x, view.columns].includes(view.rows)) view.rows = NONE;
    const levels = alphasOf(data, view.measure);
    if (levels.length && !levels.includes(view.alpha)) view.alpha = levels[0];
    return view;
  }

  /* Alphas at which there are rows of a measure, as text. */
  function alphasOf(data, name) {
    const { measure, alpha } = data.columns;
    const wanted = data.measures.findIndex((one) => one.name === name);
    const found = new Set();
    for (let i = 0; i < data.n; i++) if (measure[i] === wanted) found.add(alpha[i]);
    return [...found].filter((k) => data.alphas[k] !== undefined && data.alphas[k] !== null)
      .sort((a, b) => a - b).map((k) => String(data.alphas[k]));
  }

  /* Factors of the rows of panels, and those that stay at one level. */
  function rowFactors(view, data) {
    const others = varying(data).filter((factor) => ![view.x, view.columns].includes(factor.name));
    return view.rows === ALL ? others : others.filter((factor) => factor.name === view.rows);
  }

  function heldFactors(view, data) {
    if (view.kind !== "lines") return [];
    const rows = rowFactors(view, data);
    return varying(data).filter((factor) => ![view.x, view.columns].includes(factor.name) && !rows.includes(factor));
  }

  return { METHOD, ALL, NONE, varying, toHash, fromHash, settled, alphasOf, rowFactors, heldFactors };
})();
