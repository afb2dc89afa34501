// Texts and elements. Whatever comes from data becomes text, never markup.

const MINUS = "\u2212";
const DASH = "\u2013";
const byId = (id) => document.getElementById(id);

/** A number as text, with a true minus sign; a dash for one that is missing. */
function numberText(value, digits = 2) {
  if (value === null || value === undefined) return DASH;
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", MINUS);
}

/** Digits that suit a measure: accuracies and sizes need fewer than correlations. */
function digitsOf(values) {
  const known = values.filter((value) => value !== null && value !== undefined);
  if (known.every(Number.isInteger)) return 0;
  return Math.max(...known.map(Math.abs)) >= 10 ? 1 : 3;
}

/** An interval in brackets, with digits enough that no end loses its sign; empty if there is none. */
function intervalText(low, high, digits = 2) {
  if (low === null || high === null || low === undefined || high === undefined) return "";
  while (digits < 6 && [low, high].some((end) => end !== 0 && Number(end.toFixed(digits)) === 0)) digits += 1;
  return `[${numberText(low, digits)}, ${numberText(high, digits)}]`;
}

/** An element with attributes, listeners (`on...`) and children; strings are text. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A button with a text. */
function button(text, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, text);
}

/** A table in its scrolling region; cells are strings or elements, the first of a row names it. */
function tableOf(caption, heads, rows, numeric = []) {
  const kind = (index) => (numeric.includes(index) ? { class: "number" } : {});
  const body = rows.map((cells) =>
    element("tr", {}, ...cells.map((cell, index) =>
      index ? element("td", kind(index), cell) : element("th", { scope: "row" }, cell))));
  const table = element("table", {},
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...heads.map((head, index) => element("th", { scope: "col", ...kind(index) }, head)))),
    element("tbody", {}, ...body));
  return element("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" }, table);
}

/** Terms and descriptions; those without a description are left out. */
function listOf(pairs) {
  const known = pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return element("dl", { class: "facts" }, ...known.flatMap(([term, value]) => [element("dt", {}, term), element("dd", {}, value)]));
}

/** Text for plotly, which reads a few tags in its labels. */
const plotText = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** A colour of the page's style sheet. */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Give the reader a file of this text. */
function saveFile(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
