/* All scenarios side by side, the factors as steps below (Ruecker & Schwarzer 2014). */

simstudy.loop = (() => {
  const { element } = simstudy.elements;
  const MOST = 2000; // scenarios
  const STRIP = 30;

  /* A horizontal piece a scenario: both of its ends. */
  function steps(points, y) {
    return points.flatMap((point) => [{ x: point.x - 0.5, y: y(point), z: point.run }, { x: point.x + 0.5, y: y(point), z: point.run }]);
  }

  function draw(view, data, width) {
    const factors = simstudy.view.varying(data);
    const order = (a, b) => factors.map((factor) => factor.codes[a] - factor.codes[b]).find((d) => d) || a - b;
    const row = simstudy.cells.index(view, data);
    const all = simstudy.cells.scenarios(view, data, row).sort(order);
    const scenarios = all.slice(0, MOST);
    const notes = all.length > MOST ? [`the first ${MOST} of ${all.length} scenarios are shown: leave levels out`] : [];
    const methods = simstudy.cells.methods(view, data);
    const { columns } = data;
    const numbers = scenarios.flatMap((s) => methods.flatMap((method) => {
      const i = row(s, method.code);
      return i < 0 ? [] : [columns.value[i], columns.ci_low[i], columns.ci_high[i]];
    }));
    const y = simstudy.scales.scale(view, data, numbers);
    notes.push(...simstudy.scales.edge(y, numbers));
    const of = (value) => (Number.isNaN(value) ? NaN : y.of(value));
    const series = methods.map((method) => ({
      method,
      points: scenarios.map((s, x) => ({ scenario: s, method: method.code, row: row(s, method.code), x }))
        .filter((point) => point.row >= 0 && !Number.isNaN(columns.value[point.row]))
        .map((point) => ({ ...point, y: of(columns.value[point.row]), low: of(columns.ci_low[point.row]), high: of(columns.ci_high[point.row]) })),
    }));
    const left = 12 + 6.6 * (d3.max(y.ticks.map(y.text), (text) => text.length) ?? 1);
    const svg = above(series, y, scenarios.length, width, left);
    const below = strips(factors, scenarios, width, left);
    const places = simstudy.panels.scalesOf(svg);
    const points = series.flatMap(({ points: some }) =>
      some.map((point) => ({ ...point, svg, px: places.x(point.x), py: places.y(point.y) })));
    const node = element("div", { class: "panel-row" }, element("figure", { class: "panel" }, svg, ...below));
    if (!points.length) node.append(element("p", { class: "empty" }, "no number here"));
    return { nodes: [node], points, notes, y, methods, scenarios, row };
  }

  function above(series, y, n, width, left) {
    const wide = n <= 150;
    const svg = Plot.plot({
      width, height: 340, marginLeft: left, marginRight: 8, marginTop: 8, marginBottom: 8,
      x: { type: "linear", domain: [-0.5, Math.max(n, 1) - 0.5], axis: null },
      y: { type: y.type, domain: y.domain, clamp: true },
      marks: [
        ...y.bands.map((band, k) => Plot.rectY([band], { y1: "low", y2: "high", fill: `var(--band-${k})` })),
        Plot.gridY(y.ticks, { stroke: "var(--grid)", strokeOpacity: 1 }),
        y.nominal === null ? null : Plot.ruleY([y.nominal], { stroke: "var(--nominal)", strokeWidth: 1.2 }),
        ...series.flatMap(({ method, points }) => {
          const { color, dash } = simstudy.looks.look(method.place);
          const runs = withRuns(points);
          return [
            wide ? Plot.ruleX(points, { x: "x", y1: "low", y2: "high", stroke: color, strokeWidth: 1, strokeOpacity: 0.6 })
              : Plot.rect(points, { x1: (d) => d.x - 0.5, x2: (d) => d.x + 0.5, y1: "low", y2: "high", fill: color, fillOpacity: 0.2 }),
            Plot.line(steps(runs, (point) => point.y), { x: "x", y: "y", z: "z", stroke: color, strokeWidth: 1.6, strokeDasharray: dash }),
          ];
        }),
        Plot.axisY(y.ticks, { text: y.text, tickSize: 0, label: null, fontSize: 11, fill: "var(--ink)" }),
      ],
    });
    svg.querySelector("style")?.remove();
    svg.setAttribute("aria-hidden", "true");
    return svg;
  }

  /* A line ends where scenarios have no number. */
  function withRuns(points) {
    let run = 0;
    return points.map((point, k) => ({ ...point, run: k && points[k - 1].x === point.x - 1 ? run : ++run }));
  }

  /* Each factor as a step line, its name and levels above it. */
  function strips(factors, scenarios, width, left) {
    return factors.map((factor) => {
      const present = [...new Set(scenarios.map((s) => factor.codes[s]))].sort((a, b) => a - b);
      const points = scenarios.map((s, x) => ({ x, run: 0, level: present.indexOf(factor.codes[s]) }));
      const svg = Plot.plot({
        width, height: STRIP, marginLeft: left, marginRight: 8, marginTop: 4, marginBottom: 4,
        x: { type: "linear", domain: [-0.5, Math.max(scenarios.length, 1) - 0.5], axis: null },
        y: { domain: [-0.2, Math.max(1, present.length - 1) + 0.2], axis: null },
        marks: [Plot.line(steps(points, (point) => point.level), { x: "x", y: "y", stroke: "var(--ink)", strokeWidth: 1 })],
      });
      svg.querySelector("style")?.remove();
      svg.setAttribute("aria-hidden", "true");
      const texts = present.map((code) => factor.texts[code]);
      const levels = texts.length > 8 ? `${texts[0]} … ${texts.at(-1)}` : texts.join(", ");
      return element("div", { class: "strip" },
        element("p", { dir: "auto" }, simstudy.text.short(`${factor.head}: ${levels}`, 120)), svg);
    });
  }

  return { draw };
})();
