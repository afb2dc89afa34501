// The explorer: controls change the view, the view is drawn and written into the address.

let shownRows = []; // rows of the table as they stand

const actions = { openModel: (model) => openModel(model), sortBy: (sort) => change({ sort }) };

/** Change the view and draw it. */
function change(changes) {
  Object.assign(VIEW, changes);
  draw(plotSoon);
  requestAnimationFrame(() => {
    clearTimeout(writing);
    writing = setTimeout(writeAddress, 60);
  });
}

let writing = null; // the address waits for the answer: browsers take long to change it

/** Draw the view: the table and the count at once, the plot at once or soon. */
function draw(plot = drawPlot) {
  const rows = visibleRows(VIEW);
  const points = pointsOf(rows, VIEW);
  shownRows = drawRows(rows, VIEW, actions);
  const models = new Set(rows.map((row) => row.model)).size;
  const without = rows.length - points.length;
  byId("count").textContent = `${rows.length} of ${totalRows()} rows, ${models} of ${DATA.models.length} networks; ${points.length} points`
    + (without ? `, ${without} without a value on an axis` : "");
  drawControls();
  plot(points, VIEW);
}

const totalRows = () => visibleRows({ ...VIEW, ...NO_FILTER }).length;

// --- the page of a network ----------------------------------------------------------------------

function openModel(model) {
  hideTip();
  VIEW.model = model;
  openPage(model);
  writeAddress(true);
}

function modelClosed() {
  VIEW.model = null;
  writeAddress();
}

// --- controls -----------------------------------------------------------------------------------

/** Measures in their groups, for a select. */
function measureOptions() {
  const groups = new Map();
  for (const measure of MEASURES.values()) {
    if (!groups.has(measure.group)) groups.set(measure.group, element("optgroup", { label: measure.group }));
    groups.get(measure.group).append(element("option", { value: measure.key }, measure.label));
  }
  return [...groups.values()];
}

/** A fieldset of boxes, one for each value of a filter. */
function filterBoxes(name) {
  const boxes = valuesOf(name).map((value) => {
    const box = element("input", { type: "checkbox", value, "data-filter": name, onchange: () => toggle(name, value) });
    const look = name === "category" ? DATA.looks[value] : null;
    const mark = look && element("span", { class: "swatch", "aria-hidden": "true" });
    if (look) mark.style.background = shownColour(look, palette());
    return element("label", { class: "chip" }, box, mark, look ? look.label : value);
  });
  return element("fieldset", { class: "chips" }, element("legend", {}, FILTERS[name].title), ...boxes);
}

/** Take a value out of a filter, or back; all values are no filter. */
function toggle(name, value) {
  const all = valuesOf(name);
  const kept = new Set(VIEW[name] ?? all);
  if (!kept.delete(value)) kept.add(value);
  change({ [name]: kept.size === all.length ? null : kept });
}

/** Controls say what the view is. */
function drawControls() {
  for (const name of ["x", "y"]) byId(`axis-${name}`).value = VIEW[name];
  for (const name of ["family", "find", "mark"]) if (byId(name).value !== VIEW[name]) byId(name).value = VIEW[name];
  byId("bars").checked = VIEW.bars;
  for (const box of document.querySelectorAll("[data-filter]")) {
    const chosen = VIEW[box.dataset.filter];
    box.checked = !chosen || chosen.has(box.value);
  }
}

function startControls() {
  for (const name of ["x", "y"]) {
    byId(`axis-${name}`).append(...measureOptions());
    byId(`axis-${name}`).addEventListener("change", (event) => change({ [name]: event.target.value }));
  }
  byId("filters").append(...Object.keys(FILTERS).filter((name) => valuesOf(name).length > 1).map(filterBoxes));
  byId("family").append(element("option", { value: "" }, "all"), ...FAMILIES.map((name) => element("option", { value: name }, name)));
  byId("family").addEventListener("change", (event) => change({ family: event.target.value }));
  for (const name of ["find", "mark"]) byId(name).addEventListener("input", (event) => change({ [name]: event.target.value }));
  byId("bars").addEventListener("change", (event) => change({ bars: event.target.checked }));
  byId("swap").addEventListener("click", () => change({ x: VIEW.y, y: VIEW.x }));
  byId("clear").addEventListener("click", () => change({ ...NO_FILTER, mark: "" }));
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
}

function startExports() {
  byId("save-csv").addEventListener("click", () => saveFile(`${DATA.experiment}.csv`, csvOf(shownRows, columnsOf(VIEW)), "text/csv"));
  byId("save-bibtex").addEventListener("click", () => saveFile(`${DATA.experiment}.bib`, bibtexOf(shownRows), "text/plain"));
  byId("save-svg").addEventListener("click", saveSvg);
  byId("zoom-out").addEventListener("click", () => draw());
  byId("copy-address").addEventListener("click", () => copyText(location.href));
  byId("copy-methods").addEventListener("click", () => copyText(byId("methods-text").innerText, byId("methods-text")));
  byId("save-methods-bibtex").addEventListener("click", () => saveFile(`${DATA.experiment}_methods.bib`, entriesOf(DATA.cited.methods), "text/plain"));
  for (const id of ["copy-methods", "save-methods-bibtex"]) byId(id).hidden = false;
}

// --- the address and the page's looks -------------------------------------------------------------

/** Show what the address says; a place of the page is left to the browser. */
function readAddress() {
  const hash = location.hash.slice(1);
  const { view, unknown } = viewOf(isView(hash) ? hash : "");
  VIEW = view;
  const notice = byId("notice");
  notice.hidden = !unknown.length;
  notice.textContent = unknown.length ? `The address names what this run does not have: ${unknown.join("; ")}.` : "";
  draw(plotSoon);
  drawPair(VIEW.pair);
  if (VIEW.model !== null) openPage(VIEW.model);
  else if (byId("model").open) byId("model").close();
}

/** The plots take the page's colours and width again. */
function redraw() {
  builtFor = "";
  measurePage();
  draw();
  document.querySelectorAll("figure.small").forEach((figure) => figure.draw());
}

function watchPage() {
  let width = innerWidth;
  let waiting = null;
  addEventListener("hashchange", () => (isView(location.hash.slice(1)) || location.hash === "#explore") && readAddress());
  addEventListener("popstate", () => isView(location.hash.slice(1)) || byId("model").close());
  addEventListener("resize", () => {
    if (width === innerWidth) return;
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(redraw, 150);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  for (const [event, state] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => {
      inPrint = state;
      redraw();
      if (inPrint) appendRows();
    });
  }
  byId("model").addEventListener("close", modelClosed);
}

function start() {
  if (!DATA.models.length || !DATA.scores.length) return;
  byId("explorer").hidden = false;
  startControls();
  startComparison();
  startExports();
  measurePage();
  readAddress();
  watchPage();
}

start();
