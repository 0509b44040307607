/* Numbers under the pointer or in the keyboard's focus. */

simstudy.reading = (() => {
  const { element } = simstudy.elements;
  const NEAR = 26; // pixels
  const MOVES = {
    ArrowRight: (points, k) => k + 1,
    ArrowLeft: (points, k) => k - 1,
    ArrowDown: (points, k) => beside(points, k, 1),
    ArrowUp: (points, k) => beside(points, k, -1),
    PageDown: (points, k) => nextPanel(points, k, 1),
    PageUp: (points, k) => nextPanel(points, k, -1),
    Home: () => 0,
    End: (points) => points.length - 1,
  };

  /* The next method in the same scenario. */
  function beside(points, k, step) {
    const { svg, scenario } = points[k];
    for (let i = k + step; i >= 0 && i < points.length; i += step) {
      if (points[i].svg === svg && points[i].scenario === scenario) return i;
    }
    return k;
  }

  function nextPanel(points, k, step) {
    const here = points[k];
    for (let i = k + step; i >= 0 && i < points.length; i += step) {
      if (points[i].svg !== here.svg && points[i].method === here.method) return i;
    }
    return k;
  }

  /* What a point says. */
  function words(data, point) {
    const said = simstudy.text.reading(data, point.row);
    const levels = simstudy.view.varying(data)
      .map((factor) => `${factor.words} ${factor.texts[factor.codes[point.scenario]]}`).join(", ");
    return {
      head: data.methods[point.method].text,
      lines: [
        `${said.title}: ${said.value} (Monte Carlo SE ${said.mcse})`,
        `n ${said.used}` + (said.unused === "0" ? "" : `, not used ${said.unused}`),
        said.theory && `theory (${said.kind}): ${said.theory}`,
        levels,
      ].filter(Boolean),
    };
  }

  /* Listen in a figure; `points()` are those drawn, in reading order: panel, method, x. */
  function attach(figure, spoken, data, points, keep) {
    const tip = element("div", { class: "tip", hidden: true });
    const ring = element("div", { class: "ring", hidden: true });
    let current = -1;

    function place(point) {
      const frame = figure.getBoundingClientRect(), box = point.svg.getBoundingClientRect();
      const size = box.width / point.svg.width.baseVal.value;
      return [box.left - frame.left + point.px * size, box.top - frame.top + point.py * size];
    }

    function show(k, speak) {
      const point = points()[k];
      if (!point) return hide();
      current = k;
      const { head, lines } = words(data, point);
      tip.replaceChildren(element("strong", { dir: "auto" }, simstudy.text.short(head, 80)),
        ...lines.map((line) => element("span", { dir: "auto" }, simstudy.text.short(line, 300))));
      if (!tip.isConnected) figure.append(tip, ring);
      tip.hidden = ring.hidden = false;
      const [x, y] = place(point);
      ring.style.transform = `translate(${x}px, ${y}px)`;
      const left = Math.max(0, Math.min(x + 14, figure.clientWidth - tip.offsetWidth));
      const top = y - tip.offsetHeight - 14;
      tip.style.transform = `translate(${left}px, ${top < -40 ? y + 16 : top}px)`;
      if (speak) spoken.textContent = [head, ...lines].join("; ");
    }

    function hide() {
      tip.hidden = ring.hidden = true;
    }

    function nearest(event) {
      const svg = event.target.closest?.("svg");
      if (!svg) return -1;
      const box = svg.getBoundingClientRect(), size = box.width / svg.width.baseVal.value;
      const x = (event.clientX - box.left) / size, y = (event.clientY - box.top) / size;
      let found = -1, least = NEAR ** 2;
      points().forEach((point, k) => {
        const far = (point.px - x) ** 2 + (point.py - y) ** 2;
        if (point.svg === svg && far < least) [found, least] = [k, far];
      });
      return found;
    }

    figure.addEventListener("pointermove", (event) => {
      const k = nearest(event);
      if (k < 0) hide();
      else if (k !== current || tip.hidden) show(k, false);
    });
    figure.addEventListener("pointerleave", hide);
    figure.addEventListener("blur", hide);
    figure.addEventListener("click", (event) => {
      const k = nearest(event);
      if (k >= 0) {
        show(k, false);
        keep(points()[k]);
      }
    });
    figure.addEventListener("keydown", (event) => {
      const all = points();
      if (event.target !== figure || event.ctrlKey || event.altKey || event.metaKey || !all.length) return;
      if (event.key === "Escape") return hide();
      if (event.key === "Enter" && current >= 0) keep(all[current]);
      else if (MOVES[event.key]) {
        const next = current < 0 || current >= all.length ? 0 : MOVES[event.key](all, current);
        show(Math.max(0, Math.min(all.length - 1, next)), true);
        all[current].svg.scrollIntoView({ block: "nearest" });
      } else return;
      event.preventDefault();
    });
    return () => {
      current = -1;
      hide();
    };
  }

  return { attach };
})();
