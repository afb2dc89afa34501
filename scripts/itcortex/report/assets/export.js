// Files for the reader: rows as CSV, works as BibTeX, the plot as SVG.

/** A cell of a CSV file. A text that a spreadsheet would take for a formula gets an apostrophe before it. */
function csvCell(value) {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Exactly the rows of the table, in its order; intervals have columns of their own. */
function csvOf(rows, columns) {
  const texts = columns.filter((column) => !column.measure);
  const measures = columns.filter((column) => column.measure);
  const hasEnds = (column) => rows.some((row) => column.measure.ends(row.model, row.condition)[0] !== null);
  const wide = measures.map((column) => ({ ...column, ends: hasEnds(column) }));
  const head = ["model", "weights", ...texts.slice(1).map((column) => column.key),
    ...wide.flatMap(({ key, ends }) => (ends ? [key, `${key}_low`, `${key}_high`] : [key]))];
  const body = rows.map((row) => [DATA.models[row.model].model, DATA.models[row.model].weights, ...texts.slice(1).map((column) => column.text(row)),
    ...wide.flatMap(({ measure, ends }) => [measure.at(row.model, row.condition), ...(ends ? measure.ends(row.model, row.condition) : [])])]);
  return [head, ...body].map((cells) => cells.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

/** BibTeX of what the rows need: the paper, the data of their recordings, their networks. */
function bibtexOf(rows) {
  const { always, models, conditions } = DATA.cited;
  const everywhere = rows.some((row) => row.condition === null);
  const keys = new Set([...always, ...rows.flatMap((row) => models[row.model]),
    ...(everywhere ? conditions.flat() : rows.flatMap((row) => conditions[row.condition]))]);
  return entriesOf(keys);
}

const entriesOf = (keys) => [...new Set(keys)].sort().map((key) => DATA.bibtex[key]).join("\n\n") + "\n";

async function saveSvg() {
  const address = await Plotly.toImage(byId("plot"), { format: "svg" });
  saveFile(`${DATA.experiment}.svg`, decodeURIComponent(address.slice(address.indexOf(",") + 1)), "image/svg+xml");
}

/** Copy a text; where a browser refuses that to a file, select it. */
async function copyText(text, source) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (source) getSelection().selectAllChildren(source);
  }
}
