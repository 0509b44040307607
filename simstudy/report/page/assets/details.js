/* One number in full, and how its data sets are made again. */

simstudy.details = (() => {
  const { element, copier } = simstudy.elements;

  function show(place, data, point) {
    const { columns } = data;
    const said = simstudy.text.reading(data, point.row);
    const method = data.methods[point.method];
    const scenario = data.scenarios[point.scenario];
    const facts = [
      ["Method", method.text],
      ["Canonical name", method.name],
      ["Estimand", method.estimand],
      ...data.factors.map((factor) => [factor.head, factor.texts[factor.codes[point.scenario]]]),
      [said.title, `${said.value} (Monte Carlo SE ${said.mcse})`],
      ["95 % Monte Carlo interval", `${said.low} to ${said.high}`],
      ["Replications used", said.used],
      ["Not used", said.unused],
      ...(said.theory ? [[`Theory, ${said.kind}`, said.theory]] : []),
      ...(said.verdict ? [["Bradley's verdict", said.verdict]] : []),
    ];
    const command = element("code", { tabindex: "0" }, `${data.replay} --scenario ${scenario} --replication 1`);
    place.hidden = false;
    place.replaceChildren(
      element("h4", {}, "The number that was chosen"),
      element("dl", {}, ...facts.flatMap(([what, text]) => [element("dt", { dir: "auto" }, what), element("dd", { dir: "auto" }, text)])),
      element("p", {}, "Its first data set and all fits of it, made again where the results folder lies:"),
      element("p", { class: "command" }, command, copier(command)));
  }

  return { show };
})();
