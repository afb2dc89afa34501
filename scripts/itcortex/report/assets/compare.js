// Two networks side by side: differences with intervals, layers, maps.

const COMPARED = ["r", "r_over_ceiling"]; // scores that folds give an interval for

/** The difference in r of two models as the run's table of pairs has it, first minus second; null without one. */
function tabledDifference([first, second], condition) {
  const pairs = DATA.paired[condition];
  const place = (one, other) => pairs.first.findIndex((model, index) => model === one && pairs.second[index] === other);
  const [straight, turned] = [place(first, second), place(second, first)];
  const index = straight < 0 ? turned : straight;
  if (index < 0) return null;
  const signed = (value) => (value === null || straight >= 0 ? value : -value);
  const ends = [signed(pairs.low[index]), signed(pairs.high[index])];
  const [low, high] = straight < 0 ? ends.reverse() : ends;
  return { value: signed(pairs.difference[index]), low, high, source: `model_pairs, p ${numberText(pairs.p[index], 3)}` };
}

/** The same of scores over the ceiling, which both share. */
function tabledScore(pair, condition, key) {
  const found = condition !== null && COMPARED.includes(key) ? tabledDifference(pair, condition) : null;
  if (!found || key === "r") return found;
  const ceiling = MEASURES.get("ceiling").at(pair[0], condition);
  const over = (value) => (value === null ? null : value / ceiling);
  return ceiling > 0 ? { ...found, value: over(found.value), low: over(found.low), high: over(found.high) } : null;
}

/** The difference of two scores, with an interval over folds where the score has folds. */
function foldDifference([first, second], condition, key) {
  const measure = MEASURES.get(key);
  const [a, b] = [measure.at(first, condition), measure.at(second, condition)];
  if (a === null || b === null) return null;
  const folds = DATA.folds[condition];
  const interval = COMPARED.includes(key) && folds[first] && folds[second] ? pairedInterval(folds[first], folds[second]) : null;
  if (!interval) return { value: a - b, low: null, high: null, source: "" };
  const scale = key === "r" ? 1 : MEASURES.get("ceiling").at(first, condition);
  return { value: a - b, low: interval[0] / scale, high: interval[1] / scale, source: "folds, drawn in pairs" };
}

const differenceOf = (pair, condition, key) => tabledScore(pair, condition, key) ?? foldDifference(pair, condition, key);

/** Rows of the table of differences: scores of every recording, then facts of the networks. */
function differenceRows(pair) {
  const scores = DATA.conditions.flatMap((_, condition) => DATA.scores.map((score) => [score.key, condition, differenceOf(pair, condition, score.key)]));
  const facts = DATA.facts.map((fact) => [fact.key, null, foldDifference(pair, null, fact.key)]);
  return [...scores, ...facts].filter(([, , difference]) => difference).map(([key, condition, difference]) => {
    const measure = MEASURES.get(key);
    const interval = intervalText(difference.low, difference.high, measure.digits);
    return [titleOf(condition) || "network", measure.label, ...pair.map((model) => valueText(key, { model, condition })),
      numberText(difference.value, measure.digits) + (interval ? ` ${interval}` : ""), difference.source];
  });
}

/** Rows of what each network explains beyond the other, where the run compared the pair. */
function varianceRows(pair) {
  return DATA.variance.flatMap((compared, condition) => compared.flatMap((row) => {
    const turned = row.pair[0] === pair[1] && row.pair[1] === pair[0];
    if (!turned && (row.pair[0] !== pair[0] || row.pair[1] !== pair[1])) return [];
    const told = ([value, low, high]) => `${numberText(value, 3)} ${intervalText(low, high, 3)}`;
    const [first, second] = turned ? [row.unique_other, row.unique] : [row.unique, row.unique_other];
    return [[titleOf(condition), "variance explained alone", told(first), told(second), `both: ${told(row.shared)}`, "table unique_variance"]];
  }));
}

function drawDifferences(pair) {
  const names = pair.map((model) => DATA.models[model].name);
  const made = tableOf(`${names[0]} minus ${names[1]}, with 95 % intervals`, ["of", "measure", ...names, "difference", "interval from"], [...differenceRows(pair), ...varianceRows(pair)], [2, 3, 4]);
  byId("differences").replaceChildren(...made.firstChild.childNodes);
}

function drawPairLayers(pair) {
  const figures = DATA.conditions.map((condition, number) => {
    const traces = pair.flatMap((model, place) => layerTraces(model, number, DATA.models[model].name, LINES[place]));
    return traces.length ? linePlot(`Layers, ${condition.title}`, `r of every layer of both networks by depth, ${condition.title}`, traces, "relative depth of the layer") : null;
  }).filter(Boolean);
  byId("pair-layers").replaceChildren(...figures);
  pairFigures = figures;
  if (isPairSeen) drawAll(figures);
}

function drawPairMaps(pair) {
  const parts = Object.entries(DATA.maps).filter(([, maps]) => pair.some((model) => maps.models[model])).map(([recording, maps]) => {
    const said = (name) => pair.map((model) => `\u03c1 ${numberText(DATA.aligned[recording]?.[model]?.[name]?.[0] ?? null)}`);
    const row = element("div", { class: "map-row" });
    const paint = () => row.childElementCount || row.append(...maps.images.map((_, image) => mapColumn(maps, image, pair, said)));
    return element("details", { ontoggle: paint }, element("summary", {}, `Maps of both, ${recording}`),
      element("p", { class: "hint" }, `From above: photograph, recorded, ${pair.map((model) => DATA.models[model].name).join(", ")}; \u03c1 in the same order.`), row);
  });
  byId("pair-maps").replaceChildren(...parts);
}

let pairFigures = [];
let isPairSeen = false;

/** Line plots wait until the reader comes near: they would hold up the opening of the page. */
function watchPair() {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    isPairSeen = true;
    drawAll(pairFigures);
  }, { rootMargin: "400px" });
  observer.observe(byId("pair-layers"));
}

/** Show a pair; the selects follow. */
function drawPair(pair) {
  byId("first").value = String(pair[0]);
  byId("second").value = String(pair[1]);
  drawDifferences(pair);
  drawPairLayers(pair);
  drawPairMaps(pair);
}

function setPair(pair) {
  VIEW.pair = pair;
  drawPair(pair);
  writeAddress();
}

function startComparison() {
  for (const id of ["first", "second"]) {
    byId(id).append(...DATA.models.map((model, number) => element("option", { value: number }, model.name)));
    byId(id).addEventListener("change", () => setPair([Number(byId("first").value), Number(byId("second").value)]));
  }
  byId("exchange").addEventListener("click", () => setPair([...VIEW.pair].reverse()));
  byId("comparison").hidden = false;
  watchPair();
}
