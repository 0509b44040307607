/* All rows: sorted, filtered, page by page, and as CSV. */

simstudy.table = (() => {
  const { element } = simstudy.elements;
  const PAGE = 50;
  const CONDITION = /^\s*(<=|>=|!=|==|=|<|>)\s*(-?[\d.]+(?:e[-+]?\d+)?)\s*$/i;
  const FORMULA = /^[=+\-@\t\r]/, NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  const HOLDS = {
    "<": (a, b) => a < b, ">": (a, b) => a > b, "<=": (a, b) => a <= b, ">=": (a, b) => a >= b,
    "=": (a, b) => a === b, "==": (a, b) => a === b, "!=": (a, b) => a !== b,
  };

  /* Columns: `of` gives what a row sorts and filters by, `shown` its text. */
  function columnsOf(data) {
    const { columns } = data;
    const plain = (name, head, of) => ({ name, head, of, shown: (i) => String(of(i) ?? ""), numeric: false });
    const number = (name, head) => ({
      name, head, numeric: true, of: (i) => columns[name][i],
      shown: (i) => {
        const measure = data.measures[columns.measure[i]];
        return simstudy.text.number(columns[name][i], simstudy.text.places(columns.mcse[i], measure), measure.proportion);
      },
    });
    const counts = (name, head) => ({ name, head, numeric: true, of: (i) => columns[name][i], shown: (i) => simstudy.text.count(columns[name][i]) });
    const factors = data.factors.map((factor) => ({
      ...plain(factor.name, factor.head, (i) => factor.levels[factor.codes[columns.scenario[i]]]),
      shown: (i) => factor.texts[factor.codes[columns.scenario[i]]],
      numeric: factor.numeric, fixed: factor.levels.length === 1, levels: factor.texts,
    }));
    return [
      ...factors,
      { ...plain("method", "method", (i) => data.methods[columns.method[i]].label), shown: (i) => data.methods[columns.method[i]].text, levels: data.methods.map((one) => one.text) },
      { ...plain("measure", "measure", (i) => data.measures[columns.measure[i]].name), shown: (i) => data.measures[columns.measure[i]].title, levels: data.measures.map((one) => one.title) },
      { ...plain("alpha", "alpha", (i) => data.alphas[columns.alpha[i]] ?? null), numeric: true, fixed: data.alphas.filter((a) => a !== null).length < 2 },
      number("value", "value"),
      number("mcse", "MCSE"),
      number("ci_low", "95 % low"),
      number("ci_high", "95 % high"),
      counts("n_used", "used"),
      counts("n_not_used", "not used"),
      number("theory", "theory"),
      { ...plain("theory_kind", "kind of theory", (i) => data.theories[columns.theory_kind[i]] ?? ""), fixed: true },
      { ...plain("verdict", "verdict", (i) => data.verdicts[columns.verdict[i]] ?? ""), levels: data.verdicts },
      plain("scenario", "scenario", (i) => data.scenarios[columns.scenario[i]]),
    ];
  }

  /* Whether a row meets what is written in a filter; null where it asks for nothing. */
  function test(column, wish) {
    const wanted = wish.trim();
    if (!wanted) return null;
    const condition = CONDITION.exec(wanted);
    if (condition && column.numeric) {
      const bound = Number(condition[2]);
      return (i) => column.of(i) !== null && HOLDS[condition[1]](column.of(i), bound); // null < 1 in scripts
    }
    if (column.levels?.includes(wanted)) return (i) => column.shown(i) === wanted;
    if (column.numeric && Number.isFinite(Number(wanted))) return (i) => column.of(i) === Number(wanted);
    const small = wanted.toLowerCase();
    return (i) => column.shown(i).toLowerCase().includes(small);
  }

  function chosen(data, columns, view) {
    const tests = columns.map((column) => test(column, view.filters.get(column.name) ?? "")).filter(Boolean);
    const rows = new Uint32Array(data.n);
    let n = 0;
    for (let i = 0; i < data.n; i++) if (tests.every((holds) => holds(i))) rows[n++] = i;
    const found = rows.subarray(0, n);
    const [name, way] = view.sort.split(":");
    const by = columns.find((column) => column.name === name);
    if (!by) return found;
    const sign = way === "down" ? -1 : 1;
    const last = (value) => value === null || value === "" || Number.isNaN(value);
    const order = by.numeric ? (a, b) => a - b : (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    return found.sort((i, j) => {
      const [a, b] = [by.of(i), by.of(j)];
      return last(a) - last(b) || sign * order(a, b) || i - j;
    });
  }

  /* A text that a spreadsheet would run is no longer one, as in tables of the report. */
  const plainly = (text) => (FORMULA.test(text.slice(0, 1).normalize("NFKC")) && !NUMBER.test(text) ? `'${text}` : text);
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

  /* All digits that the page has. */
  function csv(data, columns, rows) {
    const single = data.columns.value instanceof Float32Array;
    const text = (value) => {
      if (value === null || Number.isNaN(value)) return "";
      if (typeof value !== "number") return quoted(plainly(String(value)));
      return String(single ? Number(value.toPrecision(7)) : value);
    };
    const lines = Array.from(rows, (i) => columns.map((column) => text(column.of(i))).join());
    return [columns.map((column) => quoted(column.name)).join(), ...lines, ""].join("\n");
  }

  function save(content, name) {
    const address = URL.createObjectURL(new Blob([content], { type: "text/csv" }));
    const link = element("a", { href: address, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  /* The table in its place; `change` is called with what is new in the view. */
  function attach(place, data, change) {
    const columns = columnsOf(data);
    const visible = columns.filter((column) => !column.fixed);
    const body = element("tbody");
    const status = element("span", { role: "status" });
    const heads = new Map(), fields = new Map();
    let view = null, rows = null, page = 0;

    function head(column) {
      const button = element("button", { type: "button", onclick: () => {
        const up = view.sort === `${column.name}:up`;
        change({ sort: view.sort === `${column.name}:down` ? "" : `${column.name}:${up ? "down" : "up"}` });
      } }, simstudy.text.short(column.head, 40));
      const cell = element("th", { scope: "col", class: column.numeric ? "number" : null }, button);
      heads.set(column.name, cell);
      return cell;
    }

    function field(column, k) {
      const list = column.levels && column.levels.length <= 200 ? `levels-${k}` : null;
      const input = element("input", {
        type: "text", list, "aria-label": `filter ${simstudy.text.short(column.head, 80)}`, autocomplete: "off", spellcheck: "false",
        onchange: () => change({ filters: new Map(view.filters).set(column.name, input.value) }),
      });
      fields.set(column.name, input);
      const options = list ? element("datalist", { id: list }, ...column.levels.map((text) => element("option", { value: text }))) : "";
      return element("td", {}, input, options);
    }

    function fill() {
      const start = page * PAGE, some = Array.from(rows.subarray(start, start + PAGE));
      body.replaceChildren(...some.map((i) => element("tr", {}, ...visible.map((column) => {
        const text = column.shown(i);
        const looks = column.numeric ? { class: "number" } : { class: text.length > 20 ? "long" : null, dir: "auto" };
        return element("td", looks, simstudy.text.short(text, 60));
      }))));
      const n = simstudy.text.count(rows.length);
      status.textContent = rows.length ? `rows ${simstudy.text.count(start + 1)} to ${simstudy.text.count(start + some.length)} of ${n}` : "no row is like that";
      back.disabled = page === 0;
      on.disabled = start + PAGE >= rows.length;
    }

    function show(next) {
      const same = view && view.sort === next.sort && view.filters === next.filters;
      view = next;
      if (same) return;
      rows = chosen(data, columns, view);
      page = 0;
      const [name, way] = view.sort.split(":");
      for (const [key, cell] of heads) {
        if (key === name) cell.setAttribute("aria-sort", way === "down" ? "descending" : "ascending");
        else cell.removeAttribute("aria-sort");
      }
      for (const [key, input] of fields) if (document.activeElement !== input) input.value = view.filters.get(key) ?? "";
      fill();
    }

    const turn = (step) => () => {
      page += step;
      fill();
    };
    const back = element("button", { type: "button", onclick: turn(-1) }, "Previous");
    const on = element("button", { type: "button", onclick: turn(1) }, "Next");
    place.replaceChildren(
      element("div", { class: "wide rows", role: "group", "aria-label": "All numbers", tabindex: "0" },
        element("table", {}, element("thead", {}, element("tr", {}, ...visible.map(head)), element("tr", { class: "filters" }, ...visible.map(field))), body)),
      element("p", { class: "below" }, back, on, status,
        element("button", { type: "button", onclick: () => save(csv(data, columns, rows), `${data.name}.csv`) }, "These rows as CSV"),
        element("button", { type: "button", onclick: () => change({ filters: new Map(), sort: "" }) }, "All rows")));
    return show;
  }

  return { attach };
})();
