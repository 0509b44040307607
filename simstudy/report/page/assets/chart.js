/* The figure with what is said above and below it. */

simstudy.chart = (() => {
  const { element } = simstudy.elements;
  const { looks, text } = simstudy;
  const DRAW = { lines: simstudy.panels.draw, loop: simstudy.loop.draw, intervals: simstudy.intervals.draw };

  const byId = (id) => document.getElementById(id);
  const percent = (alpha) => Number((100 * (1 - alpha)).toPrecision(8)); // 93, not 92.99999999999999

  function title(view, data) {
    if (view.kind === "intervals") return `Confidence intervals (${percent(data.intervals.alpha)} %) of the ${data.intervals.estimand}, less the truth`;
    const { measure, alpha } = simstudy.cells.codes(view, data);
    const what = text.titled(data, data.measures[measure], alpha ?? -1);
    if (view.kind === "loop") return `${what} in all scenarios`;
    const words = (name) => data.factors.find((factor) => factor.name === name)?.words ?? name;
    return view.x === simstudy.view.METHOD ? `${what} by method` : `${what} by ${words(view.x)}`;
  }

  /* What of a view is not in its panels. */
  function remarks(view, data, drawn) {
    const found = [...drawn.notes];
    if (view.kind === "intervals") return found;
    if (drawn.y.words) found.unshift(`vertical: ${drawn.y.words}`);
    if (drawn.x?.words) found.unshift(`horizontal: ${drawn.x.words}`);
    for (const factor of simstudy.view.heldFactors(view, data)) found.push(`${factor.words} held at ${factor.texts[factor.keys.indexOf(view.held.get(factor.name))]}`);
    const fixed = data.factors.filter((factor) => factor.levels.length === 1);
    if (fixed.length) found.push(`all scenarios: ${fixed.map((factor) => `${factor.words} ${factor.texts[0]}`).join(", ")}`);
    for (const factor of simstudy.view.varying(data)) {
      if (simstudy.view.heldFactors(view, data).includes(factor)) continue;
      const hidden = factor.texts.filter((_, k) => view.hidden.get(factor.name).has(factor.keys[k]));
      if (hidden.length) found.push(`left out: ${factor.words} ${hidden.map((one) => text.short(one, 40)).join(", ")}`);
    }
    const without = drawn.methods.map((method) => {
      const lacking = drawn.scenarios.filter((s) => {
        const i = drawn.row(s, method.code);
        return i < 0 || Number.isNaN(data.columns.value[i]);
      }).length;
      return lacking ? `${text.short(method.text, 40)} in ${lacking} of ${drawn.scenarios.length}` : "";
    }).filter(Boolean);
    if (without.length) found.push(`scenarios without a number (not estimable, failed, not asked for or not defined): ${without.join(", ")}`);
    return found;
  }

  function key(view, data, drawn) {
    const item = (picture, words) => element("span", { class: "key" }, picture, words);
    if (view.kind === "intervals") {
      return [
        item(looks.line(simstudy.intervals.COVERS, null, 4), "covers the truth"),
        item(looks.line(simstudy.intervals.MISSES, null, 4), "misses it"),
        item(looks.line("var(--nominal)"), `nominal ${percent(data.intervals.alpha)} %`),
      ];
    }
    const { theory_kind: kinds } = data.columns;
    const there = (kind) => view.kind === "lines" && drawn.points.some((point) => data.theories[kinds[point.row]] === kind);
    return [
      view.kind === "lines" ? item(looks.bar(), "simulated, bar: 95 % Monte Carlo interval")
        : item(looks.line("var(--ink)"), "simulated, with 95 % Monte Carlo intervals"),
      there("exact") && item(looks.line("var(--ink)", simstudy.panels.EXACT), "exact theory, not simulated"),
      there("asymptotic") && item(looks.line("var(--ink)", simstudy.panels.ASYMPTOTIC), "theory for many clusters"),
      drawn.y.nominal !== null && item(looks.line("var(--nominal)"), `where it should be (${drawn.y.text(drawn.y.nominal)})`),
      ...drawn.y.bands.map((band, k) => item(looks.area(`var(--band-${k})`), band.words)),
    ].filter(Boolean);
  }

  /* Draw a view; what is under the pointer is looked up among `drawn.points`. */
  function draw(view, data) {
    const figure = byId("figure");
    const drawn = DRAW[view.kind](view, data, Math.max(240, figure.clientWidth));
    figure.replaceChildren(...drawn.nodes);
    const said = title(view, data);
    if (byId("figure-title").textContent !== said) byId("figure-title").textContent = said;
    byId("figure-note").textContent = remarks(view, data, drawn).join("; ");
    byId("figure-key").replaceChildren(...key(view, data, drawn));
    byId("figure-help").hidden = view.kind === "intervals";
    return drawn;
  }

  return { draw };
})();
