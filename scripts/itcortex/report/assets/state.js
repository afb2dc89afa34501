// What the reader chose, and the same in the page's address.

const NO_FILTER = { category: null, recording: null, mapping: null, protocol: null, family: "", find: "" };

function firstView() {
  const has = (key) => MEASURES.has(key);
  const facts = DATA.facts.map((fact) => fact.key);
  const y = has(DATA.score) ? DATA.score : DATA.scores[0].key;
  return {
    x: has("top1") ? "top1" : (facts[0] ?? (has("depth") ? "depth" : y)), y, ...NO_FILTER, mark: "", bars: ALL_ROWS.length <= 60,
    sort: "", model: null, pair: firstPair(),
  };
}

/** A harmonized network and its baseline, where there is one; else the first two. */
function firstPair() {
  const twin = DATA.models.findIndex((model) => model.baseline !== null);
  return twin >= 0 ? [twin, DATA.models[twin].baseline] : [0, Math.min(1, DATA.models.length - 1)];
}

const listText = (values) => [...values].map(encodeURIComponent).join(",");

/** What of a view is not as at first, as the address holds it. */
function addressOf(view) {
  const usual = firstView();
  const said = new URLSearchParams();
  for (const name of ["x", "y", "family", "find", "mark", "sort"]) {
    if (view[name] !== usual[name]) said.set(name, view[name]);
  }
  for (const name of Object.keys(FILTERS)) if (view[name]) said.set(name, listText(view[name]));
  if (view.bars !== usual.bars) said.set("bars", view.bars ? "1" : "0");
  if (view.model !== null) said.set("model", keyOf(DATA.models[view.model]));
  if (String(view.pair) !== String(usual.pair)) said.set("pair", listText(view.pair.map((number) => keyOf(DATA.models[number]))));
  return said.toString();
}

/** The view that an address holds, and what of it is not in this run. */
function viewOf(address) {
  const view = firstView();
  const unknown = [];
  const said = new URLSearchParams(address);
  const known = (name, value, isKnown) => isKnown || !unknown.push(`${name} ${value}`);
  for (const name of ["x", "y"]) {
    if (said.has(name) && known("measure", said.get(name), MEASURES.has(said.get(name)))) view[name] = said.get(name);
  }
  for (const name of ["find", "mark", "sort"]) if (said.has(name)) view[name] = said.get(name);
  if (said.has("family") && known("family", said.get("family"), FAMILIES.includes(said.get("family")))) view.family = said.get("family");
  for (const name of Object.keys(FILTERS)) if (said.has(name)) view[name] = chosen(name, said.get(name), known);
  if (said.has("bars")) view.bars = said.get("bars") === "1";
  const number = (key) => (known("model", key, NUMBER_OF.has(key)) ? NUMBER_OF.get(key) : null);
  if (said.has("model")) view.model = number(said.get("model"));
  if (said.has("pair")) view.pair = pairOf(said.get("pair"), number) ?? view.pair;
  return { view, unknown };
}

const decoded = (text) => text.split(",").filter(Boolean).map(decodeURIComponent);

function chosen(name, text, known) {
  const values = valuesOf(name);
  return new Set(decoded(text).filter((value) => known(name, value, values.includes(value))));
}

function pairOf(text, number) {
  const pair = decoded(text).map(number);
  return pair.length === 2 && !pair.includes(null) ? pair : null;
}

/** Whether what follows # is a view, and not a place of the page. */
const isView = (hash) => hash.includes("=");

let VIEW = firstView();

/** Write the view into the address; a step of its own if `isStep`, so that Back leaves a model. */
function writeAddress(isStep = false) {
  const address = addressOf(VIEW);
  if (!address && !isView(location.hash.slice(1))) return;
  const url = `#${address || "explore"}`;
  if (url === location.hash) return;
  if (isStep) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
}
