/* A measure against a factor, in panels. */

simstudy.panels = (() => {
  const { element } = simstudy.elements;
  const MOST = 60; // panels
  const GAP = 14, LEAST = 232, WIDEST = 520, ALONE = 720;
  const LEVEL = { // where theory is known of one scenario alone: a short level line
    draw(context, size) {
      const half = Math.sqrt(size / Math.PI);
      context.moveTo(-half, 0);
      context.lineTo(half, 0);
    },
  };
  const LONGEST = 34; // letters of a level below the axis
  const EXACT = "5 3", ASYMPTOTIC = "1 3";

  /* Scenarios by their rows and columns of panels. */
  function groups(view, data, scenarios) {
    const across = data.factors.filter((factor) => factor.name === view.columns);
    const down = simstudy.view.rowFactors(view, data);
    const key = (factors, s) => factors.map((factor) => String(factor.codes[s]).padStart(6, "0")).join();
    const head = (factors, s) => factors.map((factor) => `${factor.head} = ${factor.texts[factor.codes[s]]}`).join(", ");
    const rows = new Map();
    for (const s of scenarios) {
      const [r, c] = [key(down, s), key(across, s)];
      if (!rows.has(r)) rows.set(r, { head: head(down, s), columns: new Map() });
      const columns = rows.get(r).columns;
      if (!columns.has(c)) columns.set(c, { head: head(across, s), scenarios: [] });
      columns.get(c).scenarios.push(s);
    }
    const sorted = (map) => [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
    const found = sorted(rows).map((row) => ({ head: row.head, panels: sorted(row.columns) }));
    if (found.some((row) => row.panels.length > 1)) return found;
    const heads = (row, panel) => [row.head, panel.head].filter(Boolean).join(", ");
    const beside = found.flatMap((row) => row.panels.map((panel) => ({ ...panel, head: heads(row, panel) })));
    return beside.length ? [{ head: "", panels: beside }] : []; // rows of one panel stand side by side
  }

  /* The axis below: where a scenario and a method stand on it. */
  function across(view, data, scenarios, methods) {
    const factor = data.factors.find((one) => one.name === view.x);
    if (!factor) {
      const text = (label) => methods.find((method) => method.label === label).text;
      return { words: "", categories: true, values: methods.map((method) => method.label), text, of: (s, method) => method.label };
    }
    const codes = [...new Set(scenarios.map((s) => factor.codes[s]))].sort((a, b) => a - b);
    const log = view.axis === "logarithmic" && factor.numeric && factor.levels.every((level) => level > 0);
    if (!factor.numeric || view.axis === "categories") {
      return {
        words: factor.words, categories: true, values: codes.map((code) => factor.keys[code]),
        text: (key) => factor.texts[factor.keys.indexOf(key)], of: (s) => factor.keys[factor.codes[s]],
      };
    }
    const values = codes.map((code) => factor.levels[code]);
    return {
      words: factor.words + (log ? " (log scale)" : ""), categories: false, log, values,
      text: (value) => factor.texts[factor.levels.indexOf(value)],
      of: (s) => factor.levels[factor.codes[s]],
    };
  }

  /* Numbers with a place on both axes, for each method in the order of the axis below. */
  function pointsOf(data, scenarios, method, row, x, y) {
    const { columns } = data;
    const of = (value) => (Number.isNaN(value) ? NaN : y.of(value));
    return scenarios.map((s) => ({ s, row: row(s, method.code) })).filter((one) => one.row >= 0)
      .map(({ s, row: i }) => {
        const kind = data.theories[columns.theory_kind[i]];
        return {
          scenario: s, method: method.code, row: i, x: x.of(s, method),
          y: of(columns.value[i]), low: of(columns.ci_low[i]), high: of(columns.ci_high[i]),
          exact: kind === "exact" ? of(columns.theory[i]) : NaN,
          asymptotic: kind === "asymptotic" ? of(columns.theory[i]) : NaN,
        };
      }).sort((a, b) => (x.categories ? x.values.indexOf(a.x) - x.values.indexOf(b.x) : a.x - b.x));
  }

  /* What is drawn of one method, moved aside by `dx` pixels. */
  function marksOf(points, method, dx, single) {
    const { color, symbol, fill } = simstudy.looks.look(method.place);
    const seen = points.filter((point) => Number.isFinite(point.y));
    const marks = [];
    for (const [kind, dashes] of [["exact", EXACT], ["asymptotic", ASYMPTOTIC]]) {
      const known = points.filter((point) => Number.isFinite(point[kind]));
      if (!known.length) continue;
      if (single || known.length === 1) marks.push(Plot.dot(known, { x: "x", y: kind, symbol: LEVEL, r: 10, stroke: color, strokeWidth: 1.3, dx, strokeDasharray: dashes }));
      else marks.push(Plot.line(known, { x: "x", y: kind, stroke: color, strokeWidth: 1.3, strokeDasharray: dashes, dx }));
    }
    const joined = !single && seen.length > 1 && !seen.every((point) => Number.isFinite(point.exact));
    if (joined) marks.push(Plot.line(seen, { x: "x", y: "y", stroke: color, strokeOpacity: 0.45, strokeWidth: 2, dx }));
    marks.push(Plot.ruleX(seen, { x: "x", y1: "low", y2: "high", stroke: color, strokeWidth: 1.2, dx }));
    marks.push(Plot.dot(seen, { x: "x", y: "y", symbol, fill, stroke: color, strokeWidth: 1.2, r: 3, dx }));
    return marks;
  }

  /* Ticks below that do not touch each other. */
  function ticksBelow(x, width) {
    if (x.categories) {
      const most = Math.max(1, Math.floor(width / 14));
      const step = Math.ceil(x.values.length / most);
      return x.values.filter((_, k) => k % step === 0);
    }
    const [low, high] = d3.extent(x.values);
    const place = x.log ? Math.log : (value) => value;
    const span = place(high) - place(low) || 1;
    const kept = [];
    for (const value of new Set([high, low, ...[...x.values].reverse()])) {
      const room = 6.4 * Math.max(3, x.text(value).length);
      if (kept.every((other) => (Math.abs(place(other) - place(value)) / span) * width >= room)) kept.push(value);
    }
    return kept;
  }

  /* Pixels between the two levels that are nearest to each other. */
  function closest(x, width) {
    if (x.categories || x.values.length < 2) return Infinity;
    const places = x.values.map(x.log ? Math.log : (value) => value);
    const least = d3.min(d3.pairs(places, (a, b) => b - a));
    return (width * least) / (places.at(-1) - places[0]);
  }

  function scaleBelow(x, width) {
    if (x.categories) return { type: "point", domain: x.values, padding: 0.5 };
    let [low, high] = d3.extent(x.values);
    if (x.log) {
      const room = (high / low) ** 0.07 || 1.1;
      return { type: "log", domain: low === high ? [low / 2, high * 2] : [low / room, high * room] };
    }
    const room = low === high ? Math.abs(low) || 1 : Math.max(0.07, 14 / width) * (high - low);
    return { type: "linear", domain: [low - room, high + room] };
  }

  function frame(width, height, x, y, marks) {
    const texts = y.ticks.map(y.text);
    const left = 12 + 6.6 * d3.max(texts, (text) => text.length);
    const inner = width - left - 8;
    const ticks = ticksBelow(x, inner);
    const long = x.categories && d3.sum(ticks, (tick) => 6.6 * Math.min(LONGEST, x.text(tick).length) + 8) > inner;
    const longest = d3.max(ticks, (tick) => Math.min(LONGEST, x.text(tick).length)) ?? 0;
    const bottom = long ? Math.min(150, 18 + 4.2 * longest) : 22;
    const nominal = y.nominal !== null && y.nominal > y.domain[0] && y.nominal < y.domain[1];
    const svg = Plot.plot({
      width, height: height + bottom, marginLeft: left, marginRight: 8, marginTop: 8, marginBottom: bottom,
      x: scaleBelow(x, inner), y: { type: y.type, domain: y.domain, clamp: true },
      marks: [
        ...y.bands.map((band, k) => Plot.rectY([band], { y1: "low", y2: "high", fill: `var(--band-${k})` })),
        Plot.gridY(y.ticks, { stroke: "var(--grid)", strokeOpacity: 1 }),
        nominal ? Plot.ruleY([y.nominal], { stroke: "var(--nominal)", strokeWidth: 1.2 }) : null,
        ...marks,
        Plot.axisY(y.ticks, { text: y.text, tickSize: 0, label: null, fontSize: 11, fill: "var(--ink)" }),
        Plot.axisX(ticks, {
          text: (tick) => simstudy.text.short(x.text(tick), LONGEST), tickSize: 3, label: null, fontSize: 11,
          tickRotate: long ? -35 : 0, fill: "var(--ink)", stroke: "var(--quiet)", lineWidth: Infinity,
        }),
        Plot.ruleY([y.domain[0]], { stroke: "var(--quiet)" }),
      ],
    });
    svg.querySelector("style")?.remove(); // before it is connected: the policy would refuse it
    svg.setAttribute("aria-hidden", "true");
    return svg;
  }

  /* All panels; `points` in reading order, `notes` on what is not there. */
  function draw(view, data, width) {
    const row = simstudy.cells.index(view, data);
    const scenarios = simstudy.cells.scenarios(view, data, row);
    const methods = simstudy.cells.methods(view, data);
    const x = across(view, data, scenarios, methods);
    const rows = groups(view, data, scenarios);
    const notes = [];
    let left = MOST;
    const shown = rows.map((one) => ({ ...one, panels: one.panels.slice(0, Math.max(0, (left -= one.panels.length) + one.panels.length)) }))
      .filter((one) => one.panels.length);
    const all = d3.sum(rows, (one) => one.panels.length);
    if (all > MOST) notes.push(`${MOST} of ${all} panels are shown: leave levels out, or hold a factor at one`);
    const numbers = [];
    for (const s of scenarios) {
      for (const method of methods) {
        const i = row(s, method.code);
        if (i < 0) continue;
        for (const name of ["value", "ci_low", "ci_high", "theory"]) numbers.push(data.columns[name][i]);
      }
    }
    const y = simstudy.scales.scale(view, data, numbers);
    notes.push(...simstudy.scales.edge(y, numbers));
    const most = Math.max(1, ...shown.map((one) => one.panels.length));
    const fitting = Math.max(1, Math.min(most, Math.floor((width + GAP) / (LEAST + GAP))));
    const panelWidth = Math.floor(Math.min(most > 1 ? WIDEST : ALONE, (width - GAP * (fitting - 1)) / fitting));
    const height = Math.round(Math.max(150, Math.min(280, 0.62 * panelWidth)));
    const points = [];
    const nodes = shown.map((one) => element("div", { class: "panel-row" },
      one.head ? element("h4", { dir: "auto" }, simstudy.text.short(one.head, 200)) : "",
      inRow(one.panels.map((panel) => drawPanel(panel)), Math.min(most, 4))));

    function drawPanel(panel) {
      const single = view.x === simstudy.view.METHOD;
      const gap = single ? 0 : Math.min(5, 26 / methods.length, (0.8 * closest(x, panelWidth - 60)) / methods.length);
      const dx = (k) => (single ? 0 : gap * (k - (methods.length - 1) / 2));
      const of = methods.map((method) => pointsOf(data, panel.scenarios, method, row, x, y));
      const marks = of.flatMap((some, k) => marksOf(some, methods[k], dx(k), single));
      const svg = frame(panelWidth, height, x, y, marks);
      const places = scalesOf(svg);
      of.forEach((some, k) => {
        for (const point of some) {
          if (!Number.isFinite(point.y)) continue;
          points.push({ ...point, svg, px: places.x(point.x) + dx(k), py: places.y(point.y) });
        }
      });
      const empty = of.every((some) => some.every((point) => !Number.isFinite(point.y)));
      return element("figure", { class: "panel" },
        panel.head ? element("figcaption", { dir: "auto" }, simstudy.text.short(panel.head, 80)) : "",
        svg, empty ? element("p", { class: "empty" }, "no number here") : "");
    }

    if (!nodes.length) nodes.push(element("p", {}, "No scenario of these levels has this measure."));
    return { nodes, points, notes, y, x, methods, scenarios, row };
  }

  /* Panels beside each other, on paper so many. */
  function inRow(panels, columns) {
    const row = element("div", { class: "panels" }, ...panels);
    for (const panel of panels) {
      const svg = panel.querySelector("svg");
      if (svg) panel.style.width = `${svg.width.baseVal.value}px`; // its heading is no wider
    }
    row.style.setProperty("--columns", columns);
    return row;
  }

  function scalesOf(svg) {
    const [x, y] = [svg.scale("x"), svg.scale("y")];
    return { x: (value) => x.apply(value), y: (value) => y.apply(value) };
  }

  return { draw, inRow, scalesOf, EXACT, ASYMPTOTIC };
})();
