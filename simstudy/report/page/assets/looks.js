/* What a method looks like: as in the figures of the report (drawing/style.py). */

simstudy.looks = (() => {
  const COLORS = 7;
  const polygon = (points) => ({
    draw(context, size) {
      const unit = Math.sqrt(size);
      points.forEach(([x, y], k) => context[k ? "lineTo" : "moveTo"](x * unit, y * unit));
      context.closePath();
    },
  });
  const arm = 1 / (2 * Math.sqrt(5));
  const plus = [[-3, -1], [-1, -1], [-1, -3], [1, -3], [1, -1], [3, -1], [3, 1], [1, 1], [1, 3], [-1, 3], [-1, 1], [-3, 1]]
    .map(([x, y]) => [x * arm, y * arm]);
  const turned = plus.map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2]);
  const down = [[0, 0.88], [-0.76, -0.44], [0.76, -0.44]];
  const SYMBOLS = [d3.symbolCircle, d3.symbolSquare, d3.symbolTriangle, d3.symbolDiamond,
    polygon(down), polygon(plus), polygon(turned)];

  /* Color and symbol of method number `place` of the study; the second seven are hollow. */
  function look(place) {
    const again = Math.floor(place / COLORS);
    const color = `var(--series-${place % COLORS})`;
    return {
      color,
      symbol: SYMBOLS[(place + 3 * again) % SYMBOLS.length],
      fill: again % 2 ? "var(--paper)" : color,
      dash: again % 2 ? "7 3" : null,
    };
  }

  function svg(tag, attributes, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  /* A small picture for a legend. */
  function picture(...shapes) {
    return svg("svg", { width: 26, height: 14, viewBox: "-13 -7 26 14", "aria-hidden": "true", class: "swatch" }, ...shapes);
  }

  function mark(place) {
    const { color, symbol, fill } = look(place);
    const d = d3.symbol(symbol, 44)();
    return picture(svg("path", { d, fill, stroke: color, "stroke-width": 1.4 }));
  }

  function line(color, dash = null, width = 1.6) {
    return picture(svg("line", { x1: -12, x2: 12, y1: 0, y2: 0, stroke: color, "stroke-width": width, "stroke-dasharray": dash }));
  }

  function bar() {
    return picture(
      svg("line", { x1: 0, x2: 0, y1: -6, y2: 6, stroke: "var(--ink)", "stroke-width": 1.2 }),
      svg("circle", { r: 3, fill: "var(--ink)" }));
  }

  function area(color) {
    return picture(svg("rect", { x: -11, y: -5, width: 22, height: 10, fill: color }));
  }

  return { look, mark, line, bar, area };
})();
