// The card beside a point: what the network is, its scores, and its maps.

const TIP_IMAGES = 4;

/** A coloured mark of a category. */
function swatch(model) {
  const look = lookOf(model);
  const mark = element("span", { class: "swatch", "aria-hidden": "true" });
  mark.style.background = shownColour(look, palette());
  return mark;
}

/** A measure's value with its interval. */
function valueText(key, row) {
  const measure = MEASURES.get(key);
  const [low, high] = measure.ends(row.model, row.condition);
  const interval = intervalText(low, high, measure.digits);
  return numberText(measure.at(row.model, row.condition), measure.digits) + (interval ? ` ${interval}` : "");
}

/** Scores that a card shows: both axes first, then the usual ones. */
function cardKeys(row) {
  const usual = ["top1", "r", "r_over_ceiling", "depth"].filter((key) => MEASURES.has(key) && (row.condition !== null || MEASURES.get(key).ofModel));
  return [...new Set([VIEW.x, VIEW.y, ...usual])];
}

function tipContent(row) {
  const model = DATA.models[row.model];
  const maps = row.condition === null ? null : DATA.maps[DATA.conditions[row.condition].recording];
  const drawn = maps && maps.models[row.model] ? tipMaps(maps, row) : null;
  return [
    element("p", { class: "tip-name" }, swatch(row.model), element("strong", {}, model.name)),
    element("p", { class: "tip-kind" }, [lookOf(row.model).label, model.family, titleOf(row.condition)].filter(Boolean).join(", ")),
    listOf(cardKeys(row).map((key) => [MEASURES.get(key).label, valueText(key, row)])),
    ...(drawn ? [drawn] : []),
  ];
}

/** Maps of some images, evenly spread from the best to the worst aligned one. */
function tipMaps(maps, row) {
  const recording = DATA.conditions[row.condition].recording;
  const rho = (image) => DATA.aligned[recording]?.[row.model]?.[maps.images[image]]?.[0] ?? null;
  const order = maps.images.map((_, index) => index).sort((a, b) => (rho(b) ?? -2) - (rho(a) ?? -2));
  const places = Array.from({ length: Math.min(TIP_IMAGES, order.length) }, (_, index, all = Math.min(TIP_IMAGES, order.length)) =>
    order[Math.round((index * (order.length - 1)) / Math.max(1, all - 1))]);
  return element("div", { class: "map-row" }, ...places.map((image) => mapColumn(maps, image, [row.model], () => [`\u03c1 ${numberText(rho(image))}`])));
}

/** Show the card of a row near a place of the window. */
function showTip(row, x, y) {
  const tip = byId("tip");
  tip.replaceChildren(...tipContent(row));
  tip.hidden = false;
  const [width, height] = [tip.offsetWidth, tip.offsetHeight];
  const left = x + 18 + width > innerWidth ? x - width - 18 : x + 18;
  tip.style.left = `${Math.max(6, Math.min(left, innerWidth - width - 6))}px`;
  tip.style.top = `${Math.max(6, Math.min(y - height / 2, innerHeight - height - 6))}px`;
}

function hideTip() {
  byId("tip").hidden = true;
  byId("plot").style.cursor = "";
}
