/* The axis of a measure: its ends, ticks and what is drawn beside the values. */

simstudy.scales = (() => {
  const PERCENT = [
    [-90, -75, -50, 0, 100, 300, 900],
    [-90, -75, -60, -40, -20, 0, 25, 50, 100, 200, 400, 900],
    [-50, -40, -30, -20, -10, 0, 10, 20, 30, 50],
    [-20, -15, -10, -5, 0, 5, 10, 15, 20],
    [-4, -3, -2, -1, 0, 1, 2, 3, 4],
  ];
  const LARGEST = 1e250; // on an axis, so that its ends are numbers
  const LOG = [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 6, 8]];

  const at = ([a, b], alpha) => a + b * alpha;

  /* Ticks that are far enough from each other, the nominal value first. */
  function apart(ticks, place, low, high, nominal) {
    const least = (place(high) - place(low)) / 11;
    const kept = nominal === null ? [] : [nominal];
    for (const tick of ticks) {
      if (tick < low || tick > high) continue;
      if (kept.every((other) => Math.abs(place(tick) - place(other)) >= least)) kept.push(tick);
    }
    return kept.sort((a, b) => a - b);
  }

  function logTicks(low, high) {
    for (const steps of LOG) {
      const ticks = [];
      for (let d = Math.floor(Math.log10(low)); d <= Math.log10(high); d++) {
        for (const step of steps) ticks.push(Number((step * 10 ** d).toPrecision(6)));
      }
      const inside = ticks.filter((tick) => tick >= low && tick <= high);
      if (inside.length >= 4) return inside;
    }
    return d3.ticks(low, high, 5);
  }

  /* The axis for some numbers.

  `of` goes from a number to the axis; `floor` is where smaller ones are drawn. */
  function scale(view, data, numbers) {
    const measure = data.measures.find((one) => one.name === view.measure);
    const alpha = Number(view.alpha) || 0.05;
    const nominal = measure.nominal ? at(measure.nominal, alpha) : null;
    const bands = measure.bands.map(([low, high, words]) => ({ low: at(low, alpha), high: at(high, alpha), words }));
    const wish = view.scale === "usual" ? measure.scale : view.scale === "linear" ? "linear" : "log";
    const ratio = wish === "ratio" || (wish === "log" && measure.scale === "ratio");
    const finite = numbers.filter(Number.isFinite).map((value) => Math.max(-LARGEST, Math.min(LARGEST, value)));
    if (ratio) return ratioScale(measure, finite);
    const positive = finite.some((value) => value > 1 / LARGEST);
    if (wish === "log" && positive) return logScale(measure, alpha, nominal, bands, finite);
    return linearScale(measure, nominal, bands, finite);
  }

  function logScale(measure, alpha, nominal, bands, finite) {
    const positive = finite.filter((value) => value > 1 / LARGEST);
    const floor = measure.name === "type1_error" ? 0.05 * alpha : d3.min(positive) / 2;
    const seen = finite.map((value) => Math.max(value, floor));
    if (nominal > 0) seen.push(nominal);
    for (const band of bands) seen.push(band.low, band.high);
    const room = (d3.max(seen) / d3.min(seen)) ** 0.04;
    const low = d3.min(seen) / room, high = Math.min(d3.max(seen) * room, measure.proportion ? 1.02 : Infinity);
    const ticks = apart(logTicks(low, high), Math.log, low, high, nominal > 0 ? nominal : null);
    return {
      measure, nominal: nominal > 0 ? nominal : null, bands, floor, ticks, type: "log", domain: [low, high], words: "log scale",
      of: (value) => Math.max(Math.min(value, LARGEST), floor),
      text: (tick) => (measure.proportion ? simstudy.text.rate(Number(tick.toPrecision(3))) : String(Number(tick.toPrecision(3)))),
    };
  }

  function ratioScale(measure, finite) {
    const of = (percent) => Math.max(1 + percent / 100, 0.05);
    const seen = [...finite.map(of), 0.93, 1.07];
    const room = (d3.max(seen) / d3.min(seen)) ** 0.04;
    const low = d3.min(seen) / room, high = d3.max(seen) * room;
    const inside = PERCENT.map((ticks) => ticks.map(of).filter((tick) => tick >= low && tick <= high));
    const ticks = apart(inside.find((some) => some.length >= 5) ?? inside.at(-1), Math.log, low, high, 1);
    return {
      measure, nominal: 1, bands: [], floor: 0.05, ticks, type: "log", domain: [low, high], words: "log-ratio scale", of,
      text: (tick) => simstudy.text.number(100 * (tick - 1), 0).replace(/^(?=[1-9])/, "+"),
    };
  }

  function linearScale(measure, nominal, bands, finite) {
    const seen = [...finite, ...(nominal === null ? [] : [nominal]), ...(measure.ends ?? [])];
    for (const band of bands) seen.push(band.low, band.high);
    let [low, high] = seen.length ? d3.extent(seen) : [0, 1];
    if (low === high) [low, high] = [low - 1, high + 1];
    const room = 0.04 * (high - low);
    [low, high] = [low - room, high + room];
    if (measure.proportion) high = Math.min(high, 1.02);
    const ticks = apart(d3.ticks(low, high, 6), (value) => value, low, high, nominal);
    const decimals = Math.max(0, -Math.floor(Math.log10(d3.tickStep(low, high, 6)) + 1e-9));
    const places = (tick) => Math.max(decimals, Math.min(4, (String(Number(tick.toFixed(6))).split(".")[1] ?? "").length));
    return {
      measure, nominal, bands, ticks, floor: -Infinity, type: "linear", domain: [low, high], words: "",
      of: (value) => Math.max(-LARGEST, Math.min(LARGEST, value)),
      text: (tick) => simstudy.text.number(tick, places(tick), measure.proportion),
    };
  }

  /* What is said of numbers that have no place on a log axis. */
  function edge(y, numbers) {
    const some = y.type === "log" && numbers.some((value) => y.of(value) === y.floor);
    return some ? [`what is below ${y.text(y.floor)} stands on the edge`] : [];
  }

  return { scale, edge };
})();
