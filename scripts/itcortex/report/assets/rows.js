// The table of rows that are shown, sorted by any column.

/** Columns of the table: what is text, then both axes and the usual scores. */
function columnsOf(view) {
  const ofModels = MEASURES.get(view.x).ofModel && MEASURES.get(view.y).ofModel;
  const several = OF_CONDITIONS.filter((name) => valuesOf(name).length > 1 || name === "recording");
  const texts = [
    { key: "model", label: "network", text: (row) => DATA.models[row.model].name },
    { key: "category", label: "category", text: (row) => lookOf(row.model).label },
    { key: "family", label: "family", text: (row) => DATA.models[row.model].family },
    ...(ofModels ? [] : several.map((name) => ({ key: name, label: name, text: FILTERS[name].of }))),
  ];
  const usual = ["top1", "r", "r_over_ceiling", "depth"].filter((key) => MEASURES.has(key) && !(ofModels && !MEASURES.get(key).ofModel));
  const keys = [...new Set([view.x, view.y, ...usual])];
  return [...texts, ...keys.map((key) => ({ key, label: MEASURES.get(key).label, measure: MEASURES.get(key) }))];
}

const sortKey = (column, row) => (column.measure ? column.measure.at(row.model, row.condition) : column.text(row));

/** Rows in the order of the view: `column` rising, or `-column` falling; what is missing comes last. */
function sortedRows(rows, columns, sort) {
  const falls = sort.startsWith("-");
  const column = columns.find((one) => one.key === sort.replace(/^-/, ""));
  if (!column) return rows;
  const compare = (a, b) => (column.measure ? a - b : a.localeCompare(b));
  return rows.map((row) => [sortKey(column, row), row]).sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return falls ? compare(b, a) : compare(a, b);
  }).map(([, row]) => row);
}

let builtFor = ""; // columns that the rows in `builtRows` have
const builtRows = new Map();

/** The row of the table for a model and condition, made once. */
function rowElement(row, columns, openModel) {
  const key = `${row.model} ${row.condition}`;
  if (!builtRows.has(key)) builtRows.set(key, buildRow(row, columns, openModel));
  return builtRows.get(key);
}

function buildRow(row, columns, openModel) {
  const name = button("", () => openModel(row.model), { class: "link" });
  name.append(swatch(row.model), DATA.models[row.model].name);
  name.addEventListener("focus", () => name.matches(":focus-visible") && tipBeside(row, name));
  name.addEventListener("mouseenter", () => tipBeside(row, name));
  name.addEventListener("mouseleave", hideTip);
  name.addEventListener("blur", hideTip);
  const cells = columns.slice(1).map((column) =>
    column.measure ? element("td", { class: "number" }, valueText(column.key, row)) : element("td", {}, column.text(row)));
  return element("tr", {}, element("th", { scope: "row" }, name), ...cells);
}

function tipBeside(row, name) {
  const box = name.getBoundingClientRect();
  showTip(row, box.right, box.top + box.height / 2);
}

/** Heads of the table; each sorts by its column. */
function buildHead(columns, sort, sortBy) {
  const heads = columns.map((column) => {
    const state = sort === column.key ? "ascending" : sort === `-${column.key}` ? "descending" : null;
    const next = column.measure ? (state === "descending" ? column.key : `-${column.key}`) : state === "ascending" ? `-${column.key}` : column.key;
    return element("th", { scope: "col", "aria-sort": state, class: column.measure ? "number" : null }, button(column.label, () => sortBy(next)));
  });
  byId("rows").tHead.replaceChildren(element("tr", {}, ...heads));
}

/** Show the rows in the order of the view; those that the pattern names are marked. */
function drawRows(rows, view, { openModel, sortBy }) {
  const columns = columnsOf(view);
  const signature = columns.map((column) => column.key).join("\n");
  if (signature !== builtFor) builtRows.clear();
  if (`${signature}\n${view.sort}` !== drawRows.head) buildHead(columns, view.sort, sortBy);
  [builtFor, drawRows.head] = [signature, `${signature}\n${view.sort}`];
  const pattern = patternOf(view.mark);
  const sorted = sortedRows(rows, columns, view.sort);
  fillTable(sorted, (row) => {
    const built = rowElement(row, columns, openModel);
    const isMarked = Boolean(pattern) && pattern.test(DATA.models[row.model].name);
    if (built.classList.contains("marked") !== isMarked) built.classList.toggle("marked");
    return built;
  });
  return sorted;
}

const FIRST_ROWS = 60; // more than the region shows; as many more follow whenever the reader nears the end
let appendRows = () => {}; // the next rows of the table: so many, or all

function fillTable(rows, build) {
  const table = byId("rows");
  const body = table.tBodies[0];
  let built = 0;
  table.setAttribute("aria-rowcount", rows.length + 1);
  appendRows = (count = rows.length) => {
    const next = rows.slice(built, built + count).map(build);
    built += next.length;
    body.append(...next);
    watchEnd(built < rows.length);
  };
  const first = rows.slice(0, FIRST_ROWS).map(build);
  built = first.length;
  replaceRows(body, first);
  watchEnd(built < rows.length);
}

/** Make these the rows of a table; those that stay are not touched, and so not laid out again. */
function replaceRows(body, rows) {
  const kept = new Set(rows);
  for (const row of [...body.rows]) if (!kept.has(row)) row.remove();
  let next = body.firstElementChild;
  for (const row of rows) {
    if (row === next) next = row.nextElementSibling;
    else body.insertBefore(row, next);
  }
}

function watchEnd(isMore) {
  endOfRows.disconnect();
  if (isMore) endOfRows.observe(byId("rows").tBodies[0].lastElementChild);
}

const endOfRows = new IntersectionObserver(
  (entries) => entries.some((entry) => entry.isIntersecting) && appendRows(FIRST_ROWS),
  { root: byId("rows").parentElement, rootMargin: "600px" });
