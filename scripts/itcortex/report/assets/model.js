// The page of one network, in a dialog: all that the run knows of it.

function openPage(model) {
  const dialog = byId("model");
  const figures = modelFigures(model);
  dialog.replaceChildren(modelHead(model), element("div", { class: "dialog-body" },
    modelFacts(model), modelScores(model), element("div", { class: "plots" }, ...figures), ...modelMaps(model), ...modelSaliency(model),
    modelCeilings(model), modelProvenance(model)));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  requestAnimationFrame(() => setTimeout(() => drawAll(figures))); // when the page is there
}

function modelHead(model) {
  const other = VIEW.pair.find((number) => number !== model) ?? VIEW.pair[0];
  return element("header", {},
    element("h2", { id: "model-title" }, swatch(model), DATA.models[model].name),
    element("div", { class: "tools" },
      button(`Compare with ${DATA.models[other].name}`, () => compareWith(model, other)),
      button("Close", () => byId("model").close(), { autofocus: true })));
}

function compareWith(model, other) {
  byId("model").close();
  setPair([model, other]);
  byId("compare").scrollIntoView();
  byId("first").focus();
}

function modelFacts(model) {
  const one = DATA.models[model];
  const numbers = DATA.facts.filter((fact) => fact.values[model] !== null).map((fact) => [fact.label, valueText(fact.key, { model, condition: null })]);
  return listOf([["model and weights", keyOf(one)], ["category", lookOf(model).label], ["family", one.family], ["architecture", one.architecture],
    ["weights from", one.source], ["training", one.training], ["training data", one.pretraining], ["baseline", one.baseline === null ? "" : DATA.models[one.baseline].name], ...numbers]);
}

/** Scores under every condition, one row for each. */
function modelScores(model) {
  const scores = DATA.scores.filter((score) => score.values.some((values) => values[model] !== null));
  const conditions = DATA.conditions.map((_, condition) => condition).filter((condition) => scores.some((score) => score.values[condition][model] !== null));
  const rows = scores.map((score) => [score.label, ...conditions.map((condition) => valueText(score.key, { model, condition }))]);
  return tableOf("Scores in the main window, with 95 % intervals", ["score", ...conditions.map(titleOf)], rows, conditions.map((_, index) => index + 1));
}

function modelFigures(model) {
  const conditions = DATA.conditions.map((_, condition) => condition);
  const traces = (one) => conditions.flatMap((condition) => one(model, condition, titleOf(condition), LINES[condition % LINES.length], DASHES[Math.floor(condition / LINES.length) % DASHES.length]));
  const [layers, courses] = [traces(layerTraces), traces(courseTraces)];
  return [
    ...(layers.length ? [linePlot("Layers: mean over folds with its standard error; large dots were chosen", `r of every layer of ${DATA.models[model].name} by depth`, layers, "relative depth of the layer")] : []),
    ...(courses.length ? [linePlot("Time course, with 95 % intervals", `r of ${DATA.models[model].name} in every time window`, courses, "centre of the window (ms after onset)")] : []),
  ];
}

/** All images of every recording with a grid. */
function modelMaps(model) {
  const recordings = Object.entries(DATA.maps).filter(([, maps]) => maps.models[model]);
  return recordings.map(([recording, maps]) => {
    const aligned = DATA.aligned[recording]?.[model] ?? {};
    const said = (name) => (aligned[name] ? [`\u03c1 ${numberText(aligned[name][0])}`, `p ${numberText(aligned[name][1], 3)}`] : []);
    return element("section", {}, element("h3", {}, `Maps per image, ${recording}`),
      element("p", { class: "hint" }, "Photograph, recorded map, predicted map; averaged over sites, in standard deviations. \u03c1: rank correlation over positions; p: against maps of equal smoothness."),
      element("div", { class: "map-row" }, ...maps.images.map((_, image) => mapColumn(maps, image, [model], said))));
  });
}

function modelSaliency(model) {
  const sets = Object.entries(DATA.saliency).filter(([, set]) => set.models[model]);
  return sets.map(([name, set]) => element("section", {}, element("h3", {}, `Saliency, ${name}`),
    element("p", { class: "hint" }, `Photograph, ${Object.keys(set.human).join(", ")} of people, saliency of the network; ranks over the picture.`),
    element("div", { class: "map-row" }, ...set.images.map((image, index) => saliencyColumn(set, image, index, model)).filter(Boolean))));
}

function saliencyColumn(set, image, index, model) {
  const own = set.models[model][index];
  if (own === null) return null;
  return element("figure", { class: "maps" },
    element("img", { src: set.photographs[index], alt: `photograph ${image}` }),
    ...Object.entries(set.human).map(([kind, maps]) => mapCanvas(maps, index, set.shape, "attention", `${kind} of people on ${image}`)),
    mapCanvas(own, 0, set.shape, "attention", `saliency on ${image}`));
}

function modelCeilings() {
  const rows = Object.entries(DATA.ceilings).flatMap(([recording, some]) =>
    some.map((one) => [recording, one.name, numberText(one.value, 3), one.used ? "yes" : "no"]));
  return rows.length ? tableOf("Noise ceilings of the recordings", ["recording", "ceiling", "mean over folds", "scores divided by it"], rows, [2]) : null;
}

function modelProvenance(model) {
  const found = DATA.provenance[model];
  if (!found) return null;
  const pairs = (named) => Object.entries(named).map(([name, value]) => element("li", {}, `${name}: `, element("code", {}, value)));
  return element("section", {}, element("h3", {}, "Where the numbers come from"),
    listOf([["digest of the weights", element("code", {}, found.weights)], ["SHA-256 of the data", element("ul", {}, ...pairs(found.data))],
      ["code of the rules", element("ul", { class: "columns" }, ...pairs(found.code))], ["packages", Object.entries(found.packages).map(([name, version]) => `${name} ${version}`).join(", ")]]));
}
