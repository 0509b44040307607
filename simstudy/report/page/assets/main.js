/* The page at work: a view, and what follows from it. */

simstudy.main = (async () => {
  const byId = (id) => document.getElementById(id);

  /* Links within the page go there without giving up the view that the address holds. */
  function keepAddress() {
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.('a[href^="#"]');
      const to = link && byId(link.getAttribute("href").slice(1));
      if (!to) return;
      event.preventDefault();
      to.scrollIntoView();
      to.focus({ preventScroll: true });
    });
  }

  function colored(theme) {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    byId("theme").value = theme;
  }

  function broken(error) {
    byId("waiting").textContent = `The numbers could not be shown: ${error.message}`;
    byId("waiting").hidden = false;
    throw error;
  }

  keepAddress();
  let data;
  try {
    data = await simstudy.data.load(byId("data").textContent);
  } catch (error) {
    broken(error);
  }
  byId("data").remove();
  byId("waiting").hidden = true;
  if (!data.n) {
    byId("waiting").hidden = false;
    byId("waiting").textContent = "There are no rows.";
    return;
  }
  byId("explorer").hidden = false;
  let view = simstudy.view.fromHash(location.hash, data);
  let drawn = { points: [] }, width = 0;
  const keep = (point) => simstudy.details.show(byId("details"), data, point);
  const forget = simstudy.reading.attach(byId("figure"), byId("spoken"), data, () => drawn.points, keep);
  const showRows = simstudy.table.attach(byId("table"), data, change);

  function figure() {
    forget();
    width = byId("figure").clientWidth;
    drawn = simstudy.chart.draw(view, data);
  }

  /* Everything again, the focus where it was. */
  function all() {
    colored(view.theme);
    const controls = byId("controls");
    const focusable = () => [...controls.querySelectorAll("select, input, button, summary")];
    const place = focusable().indexOf(document.activeElement);
    simstudy.controls.draw(controls, view, data, change);
    if (place >= 0) focusable()[place]?.focus();
    figure();
    showRows(view);
  }

  function change(more) {
    const fresh = simstudy.view.fromHash("", data);
    view = simstudy.view.settled(more === null ? { ...fresh, theme: view.theme } : { ...view, ...more }, data);
    history.replaceState(null, "", `#${simstudy.view.toHash(view, data)}`);
    all();
  }

  byId("theme").addEventListener("change", () => change({ theme: byId("theme").value }));
  addEventListener("hashchange", () => {
    if (byId(location.hash.slice(1))) return;
    view = simstudy.view.fromHash(location.hash, data);
    all();
  });
  new ResizeObserver(() => {
    if (Math.abs(byId("figure").clientWidth - width) > 8) figure();
  }).observe(byId("figure"));
  all();
  document.documentElement.dataset.ready = "";
})();
