// The static tables: a press on a head sorts by its column.

/** A cell's key; tables hold numbers as numbers and what is missing as nothing. */
const cellKey = (row, column) => row.cells[column].dataset.key;

function compareKeys(x, y, falls) {
  const missing = (value) => value === "" || value === DASH;
  if (missing(x) || missing(y)) return missing(x) - missing(y);
  const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
  return falls ? -order : order;
}

function sortTable(table, heads, column) {
  const falls = heads[column].getAttribute("aria-sort") === "ascending";
  heads.forEach((other) => other.removeAttribute("aria-sort"));
  heads[column].setAttribute("aria-sort", falls ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].sort((a, b) => compareKeys(cellKey(a, column), cellKey(b, column), falls));
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.replaceChildren(button(head.textContent, () => sortTable(table, heads, column))));
}
