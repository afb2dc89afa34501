// The run's tables, as the page's own axes, rows and filters.

const DATA = JSON.parse(byId("payload").textContent);
const keyOf = (model) => `${model.model} ${model.weights}`;
const placeOf = (condition) => [condition.recording, condition.mapping, condition.protocol].join("/");
const NUMBER_OF = new Map(DATA.models.map((model, number) => [keyOf(model), number]));
const MEASURES = allMeasures();

/** A measure that is one number of a model. */
function factMeasure(fact) {
  const { key, label, values, low, high } = fact;
  return {
    key, label, group: "Of the network", ofModel: true, digits: digitsOf(values),
    at: (model) => values[model],
    ends: (model) => (low ? [low[model], high[model]] : [null, null]),
  };
}

/** A measure that is one number of a model on every recording that is shown. */
function scoreMeasure(score) {
  const { key, label, values, low, high } = score;
  return {
    key, label, group: "On each recording", ofModel: false, digits: digitsOf(values.flat()),
    at: (model, condition) => values[condition][model],
    ends: (model, condition) => (low ? [low[condition][model], high[condition][model]] : [null, null]),
  };
}

/** The same on one recording, whichever are shown: two recordings can be set against each other. */
function fixedMeasure(measure, number) {
  const condition = DATA.conditions[number];
  return {
    ...measure, key: `${measure.key}@${placeOf(condition)}`, ofModel: true,
    label: `${measure.label}, ${condition.title}`, group: `On ${condition.title} alone`,
    at: (model) => measure.at(model, number), ends: (model) => measure.ends(model, number),
  };
}

function allMeasures() {
  const scores = DATA.scores.map(scoreMeasure);
  const fixed = DATA.conditions.flatMap((_, number) => scores.map((score) => fixedMeasure(score, number)));
  return new Map([...scores, ...DATA.facts.map(factMeasure), ...fixed].map((one) => [one.key, one]));
}

/** Filters by what their values are of; each reads its value from a row. */
const FILTERS = {
  category: { title: "Category", of: (row) => DATA.models[row.model].category },
  recording: { title: "Recording", of: (row) => DATA.conditions[row.condition].recording },
  mapping: { title: "Mapping", of: (row) => DATA.conditions[row.condition].mapping },
  protocol: { title: "Protocol", of: (row) => DATA.conditions[row.condition].protocol },
};
const OF_CONDITIONS = ["recording", "mapping", "protocol"];

/** Values of a filter, in the order of the data; categories in that of the figures. */
function valuesOf(filter) {
  if (filter === "category") {
    const used = new Set(DATA.models.map((model) => model.category));
    return Object.keys(DATA.looks).filter((name) => used.has(name));
  }
  return [...new Set(DATA.conditions.map((condition) => condition[filter]))];
}

const FAMILIES = [...new Set(DATA.models.map((model) => model.family))].sort();
const lookOf = (model) => DATA.looks[DATA.models[model].category];

/** Every model under every condition in which it has a score. */
const ALL_ROWS = DATA.models.flatMap((_, model) =>
  DATA.conditions.map((_, condition) => ({ model, condition })).filter(({ condition }) =>
    DATA.scores.some((score) => score.values[condition][model] !== null)));

/** Whether a text has what was typed, in any case. */
function isFound(model, words) {
  const text = `${model.name} ${model.model} ${model.weights} ${model.family} ${model.category}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** A pattern as typed; what is no regular expression is taken letter by letter. */
function patternOf(typed) {
  if (!typed) return null;
  try {
    return new RegExp(typed, "i");
  } catch {
    return new RegExp(typed.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
  }
}

/** Rows that pass all filters; where both axes are of the network, one for each network. */
function visibleRows(view) {
  const ofModels = MEASURES.get(view.x).ofModel && MEASURES.get(view.y).ofModel;
  const rows = ofModels ? DATA.models.map((_, model) => ({ model, condition: null })) : ALL_ROWS;
  const filters = Object.entries(FILTERS).filter(([name]) => view[name] && !(ofModels && OF_CONDITIONS.includes(name)));
  return rows.filter((row) => {
    const model = DATA.models[row.model];
    return filters.every(([name, filter]) => view[name].has(filter.of(row)))
      && (!view.family || model.family === view.family) && (!view.find || isFound(model, view.find));
  });
}

/** A row's values on both axes. */
function pointOf(row, view) {
  const [x, y] = [MEASURES.get(view.x), MEASURES.get(view.y)];
  return {
    ...row, x: x.at(row.model, row.condition), y: y.at(row.model, row.condition),
    xEnds: x.ends(row.model, row.condition), yEnds: y.ends(row.model, row.condition),
  };
}

/** Title of a condition; empty for a row of a network alone. */
const titleOf = (condition) => (condition === null ? "" : DATA.conditions[condition].title);
