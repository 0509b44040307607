/* Confidence intervals of one scenario, from the best centered to the worst (Morris et al. 2019). */

simstudy.intervals = (() => {
  const { element } = simstudy.elements;
  const LEAST = 200, GAP = 14;
  const COVERS = "var(--series-5)", MISSES = "var(--series-0)";

  function draw(view, data, width) {
    const { intervals } = data;
    const shown = intervals.methods.map((method, k) => ({ ...method, k })).filter(({ place }) => !view.without.has(data.methods.find((one) => one.place === place)?.label));
    const fitting = Math.max(1, Math.min(shown.length, 4, Math.floor((width + GAP) / (LEAST + GAP))));
    const size = Math.floor(Math.min(360, (width - GAP * (fitting - 1)) / fitting));
    const node = simstudy.panels.inRow(shown.map((method) => panel(data, intervals, method, size)), Math.min(shown.length, 4));
    const thinned = shown.some((method) => method.n > intervals.most);
    const notes = [
      intervals.what,
      "the worst centered on top, by the p-value of the test of the truth",
      thinned ? `of more intervals ${intervals.most} are drawn, evenly by rank` : "",
    ].filter(Boolean);
    return { nodes: [node], points: [], notes, methods: shown };
  }

  function panel(data, intervals, method, width) {
    const head = element("figcaption", { dir: "auto" }, simstudy.text.short(method.text, 60));
    if (method.why) return element("figure", { class: "panel" }, head, element("p", { class: "empty" }, method.why));
    const [low, high, covers, centile] = ["low", "high", "covers", "centile"].map((name) => data.columns[`interval ${method.k} ${name}`]);
    const lines = Array.from(low, (_, i) => ({ low: low[i], high: high[i], centile: centile[i], color: covers[i] ? COVERS : MISSES }));
    const nominal = 100 * (1 - intervals.alpha);
    const { reach } = intervals;
    const svg = Plot.plot({
      width, height: Math.round(1.15 * width), marginLeft: 34, marginRight: 8, marginTop: 8, marginBottom: 24,
      x: { type: "linear", domain: [-reach, reach], clamp: true }, y: { type: "linear", domain: [intervals.start, 100.5] },
      marks: [
        Plot.ruleY(lines, { y: "centile", x1: "low", x2: "high", stroke: "color", strokeWidth: Math.min(4, Math.max(0.8, (1.1 * width) / lines.length)) }),
        Plot.ruleX([0], { stroke: "var(--ink)" }),
        Plot.ruleY([nominal], { stroke: "var(--nominal)", strokeWidth: 1.4 }),
        Plot.axisY(d3.ticks(intervals.start, 100, 5), { tickSize: 0, label: null, fontSize: 11, fill: "var(--ink)" }),
        Plot.axisX(d3.ticks(-reach, reach, 4), { tickSize: 3, label: null, fontSize: 11, fill: "var(--ink)", stroke: "var(--quiet)" }),
      ],
      color: { type: "identity" },
    });
    svg.querySelector("style")?.remove();
    svg.setAttribute("aria-hidden", "true");
    const rate = (value) => simstudy.text.number(value, 3, true);
    const said = method.n > 1 ? `${rate(method.share)} cover, ±${rate(method.half)} (${simstudy.text.count(method.n)} intervals)` : `${method.share} of 1 covers`;
    return element("figure", { class: "panel" }, head, svg, element("p", { class: "note" }, said));
  }

  return { draw, COVERS, MISSES };
})();
