/* Where a reader says what is shown. */

simstudy.controls = (() => {
  const { element, choice, box } = simstudy.elements;
  const KINDS = { lines: "by a factor", loop: "all scenarios (nested loops)", intervals: "intervals of one scenario" };

  const plain = (names) => names.map((name) => ({ value: name, text: name }));

  /* All controls for a view; `change` is called with what is new in it. */
  function draw(place, view, data, change) {
    const factors = simstudy.view.varying(data).map((factor) => ({ value: factor.name, text: factor.head }));
    const { METHOD, ALL, NONE } = simstudy.view;
    const kinds = Object.entries(KINDS).filter(([kind]) => kind !== "intervals" || data.intervals)
      .filter(([kind]) => kind !== "loop" || factors.length).map(([value, text]) => ({ value, text }));
    const set = (key) => (value) => change({ [key]: value });
    const chosen = data.factors.find((factor) => factor.name === view.x);
    const alphas = simstudy.view.alphasOf(data, view.measure);
    const lines = view.kind === "lines";
    const choices = [
      choice("Figure", kinds, view.kind, set("kind")),
      view.kind !== "intervals" && choice("Measure", data.measures.map((measure) => ({ value: measure.name, text: measure.title, group: measure.section })), view.measure, set("measure")),
      view.kind !== "intervals" && alphas.length > 1 && choice("Alpha", alphas.map((alpha) => ({ value: alpha, text: simstudy.text.rate(alpha) })), view.alpha, set("alpha")),
      lines && choice("Horizontal axis", [...factors, { value: METHOD, text: "methods" }], view.x, set("x")),
      lines && chosen?.numeric && choice("Spacing", plain(["to scale", ...(chosen.levels.every((level) => level > 0) ? ["logarithmic"] : []), "categories"]), view.axis, set("axis")),
      lines && factors.length > 0 && choice("Columns of panels", [{ value: NONE, text: NONE }, ...factors.filter((factor) => factor.value !== view.x)], view.columns, set("columns")),
      lines && factors.length > 1 && choice("Rows of panels", [...plain([NONE, ALL]), ...factors.filter((factor) => ![view.x, view.columns].includes(factor.value))], view.rows, set("rows")),
      view.kind !== "intervals" && choice("Vertical axis", plain(["usual", "linear", "logarithmic"]), view.scale, set("scale")),
      element("button", { type: "button", onclick: () => change(null) }, "Start again"),
    ].filter(Boolean);
    place.replaceChildren(element("div", { class: "choices" }, ...choices), methods(view, data, change), levels(view, data, change));
  }

  function methods(view, data, change) {
    const boxes = data.methods.map((method) => box(simstudy.text.short(method.text, 80), !view.without.has(method.label), (checked) => {
      change({ without: toggled(view.without, method.label, !checked) });
    }, simstudy.looks.mark(method.place)));
    return element("fieldset", {}, element("legend", {}, "Methods"), ...boxes);
  }

  function toggled(set, value, there) {
    const next = new Set(set);
    if (there) next.add(value);
    else next.delete(value);
    return next;
  }

  /* Levels of every factor: boxes, or a choice of one where the factor has no place in the figure. */
  function levels(view, data, change) {
    const held = simstudy.view.heldFactors(view, data);
    const sets = simstudy.view.varying(data).map((factor) => {
      const hidden = view.hidden.get(factor.name);
      const set = (next) => change({ hidden: new Map(view.hidden).set(factor.name, next) });
      const inside = held.includes(factor)
        ? [choice("held at", factor.keys.map((value, k) => ({ value, text: simstudy.text.short(factor.texts[k], 60) })), view.held.get(factor.name), (value) => change({ held: new Map(view.held).set(factor.name, value) }))]
        : [
          ...factor.keys.map((key, k) => box(simstudy.text.short(factor.texts[k], 60), !hidden.has(key), (checked) => set(toggled(hidden, key, !checked)))),
          factor.keys.length > 3 && element("button", { type: "button", class: "small", onclick: () => set(new Set(hidden.size ? [] : factor.keys.slice(1))) }, hidden.size ? "all" : "the first only"),
        ].filter(Boolean);
      return element("fieldset", { class: "levels" }, element("legend", { dir: "auto" }, simstudy.text.short(factor.head, 60)), ...inside);
    });
    return sets.length && view.kind !== "intervals" ? element("details", { class: "all-levels", open: simstudy.controls.open }, element("summary", {
      onclick: () => { simstudy.controls.open = !simstudy.controls.open; },
    }, "Levels"), element("div", { class: "level-sets" }, ...sets)) : "";
  }

  return { draw, open: false };
})();
