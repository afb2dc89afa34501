// The scatter plot: one panel for each recording that is shown.

const SYMBOLS = { o: "circle", s: "square", "^": "triangle-up", v: "triangle-down", D: "diamond", "*": "star", X: "x", P: "cross", "<": "triangle-left", ">": "triangle-right" };
const PANEL_HEIGHT = 400;
const GAP = 0.035; // between panels, as a share of the width
let inPrint = false;
let plotWidth = 800; // measured when the page opens and when its width changes: asking lays the page out
let pageFont = "sans-serif"; // as well

/** Colours of the plot as the page is now; paper is white. */
function palette() {
  if (inPrint) return { ink: "#000000", soft: "#444444", line: "#cccccc", ground: "#ffffff" };
  return pagePalette ??= { ink: colour("--ink"), soft: colour("--soft"), line: colour("--line"), ground: colour("--card") };
}

let pagePalette = null; // of light or dark; asked for once

/** Ask the page for its colours and width again. */
function measurePage() {
  pagePalette = null;
  pageFont = getComputedStyle(document.body).fontFamily;
  plotWidth = byId("plot").clientWidth || plotWidth;
}

/** A category's colour; one that the ground would swallow is that of the text. */
function shownColour(look, paper) {
  const light = (hex) => [1, 3, 5].reduce((sum, start) => sum + parseInt(hex.slice(start, start + 2), 16), 0) / 765;
  return Math.abs(light(look.colour) - light(paper.ground)) < 0.25 ? paper.soft : look.colour;
}

/** Where the accuracies of untrained networks stand: left of a break, as in the static figure. */
function breakOf(points, view) {
  if (view.x !== "top1") return null;
  const isTrained = (point) => DATA.models[point.model].category !== "untrained";
  const known = points.filter((point) => isTrained(point)).map((point) => point.x);
  if (!known.length || known.length === points.length) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const span = high - low || 5;
  return { at: low - 0.3 * span, line: low - 0.15 * span, low, high: low + span };
}

/** Round numbers between two ends. */
function ticksBetween(low, high, most = 5) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((times) => times * power >= rough);
  const count = Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => Number(((Math.ceil(low / step - 1e-9) + index) * step).toPrecision(10)));
}

/** Panels: the conditions that are shown, or one of networks alone. */
function panelsOf(points) {
  const shown = [...new Set(points.map((point) => point.condition))].sort((a, b) => a - b);
  return shown.map((condition) => ({ condition, title: titleOf(condition), points: points.filter((point) => point.condition === condition) }));
}

/** Number of columns of panels that fit. */
function columnsFor(width, count) {
  const most = width >= 900 ? 3 : width >= 600 ? 2 : 1;
  return Math.max(1, Math.min(most, count));
}

const axisName = (letter, index) => (index ? `${letter}${index + 1}` : letter);

/** Traces of a panel: one of all points; with intervals one for each category, since the bars of a trace have one colour. */
function tracesOf(panel, index, view, gap, paper) {
  const pattern = patternOf(view.mark);
  const categoryOf = (point) => DATA.models[point.model].category;
  const groups = valuesOf("category").map((category) => panel.points.filter((point) => categoryOf(point) === category)).filter((points) => points.length);
  return (view.bars ? groups : [groups.flat()]).filter((points) => points.length).map((points) => {
    const looks = points.map((point) => lookOf(point.model));
    const hues = looks.map((look) => shownColour(look, paper));
    const isMoved = (point) => gap && categoryOf(point) === "untrained";
    return {
      type: "scatter", mode: "markers", hoverinfo: "none", showlegend: false,
      x: points.map((point) => (isMoved(point) ? gap.at : point.x)), y: points.map((point) => point.y), customdata: points.map((point) => [point.model, point.condition]),
      xaxis: axisName("x", index), yaxis: axisName("y", index), cliponaxis: false,
      marker: { symbol: looks.map((look) => SYMBOLS[look.marker] ?? "circle"), color: hues, ...emphasis(points, pattern, looks, paper) },
      ...(view.bars ? errorBars(points, hues[0], isMoved(points[0])) : {}),
    };
  });
}

/** Points that the pattern names stand out; without a pattern all are alike. */
function emphasis(points, pattern, looks, paper) {
  const sizes = looks.map((look) => (look.marker === "*" ? 13 : 10));
  if (!pattern) return { opacity: 0.92, size: sizes, line: { color: paper.ground, width: 0.8 } };
  const marked = points.map((point) => pattern.test(DATA.models[point.model].name));
  return {
    opacity: marked.map((is) => (is ? 0.95 : 0.13)), size: marked.map((is, index) => sizes[index] + (is ? 4 : 0)),
    line: { color: marked.map((is) => (is ? paper.ink : paper.ground)), width: 1.5 },
  };
}

/** Bars from each point to the ends of its intervals. */
function errorBars(points, hue, isMoved) {
  const bar = (value, ends) => ({
    type: "data", symmetric: false, color: hue, thickness: 1.2, width: 0,
    array: points.map((point) => (point[ends][1] === null ? 0 : point[ends][1] - point[value])),
    arrayminus: points.map((point) => (point[ends][0] === null ? 0 : point[value] - point[ends][0])),
  });
  const has = (ends) => points.some((point) => point[ends][0] !== null);
  return { ...(has("yEnds") ? { error_y: bar("y", "yEnds") } : {}), ...(has("xEnds") && !isMoved ? { error_x: bar("x", "xEnds") } : {}) };
}

/** Lines from every baseline to the networks that are compared with it. */
function twinLines(panel, index, paper) {
  const at = new Map(panel.points.map((point) => [point.model, point]));
  const [x, y] = [[], []];
  for (const point of panel.points) {
    const baseline = at.get(DATA.models[point.model].baseline);
    if (!baseline) continue;
    x.push(baseline.x, point.x, null);
    y.push(baseline.y, point.y, null);
  }
  const line = { color: paper.soft, width: 1 };
  return x.length ? [{ type: "scatter", mode: "lines", x, y, hoverinfo: "skip", showlegend: false, line, xaxis: axisName("x", index), yaxis: axisName("y", index) }] : [];
}

/** What stands above a panel: its recording, and the rank correlation of the networks of the trend that are shown. */
function headOf(panel) {
  const trend = panel.points.filter((point) => !DATA.beside.includes(DATA.models[point.model].category));
  const rho = spearman(trend);
  const said = rho === null ? `${panel.points.length} ${panel.points.length === 1 ? "point" : "points"}` : `Spearman\u2019s \u03c1 ${numberText(rho)} of ${trend.length} that make the trend`;
  const title = panel.title && plotText(panel.title);
  return `${title ? `<b>${title}</b><br>` : ""}<span style="font-size:11px">${said}</span>`;
}

/** Axes, places and titles of all panels. */
function layoutOf(panels, view, width, gap, paper, ranges) {
  const columns = columnsFor(width, panels.length);
  const rows = Math.max(1, Math.ceil(panels.length / columns));
  const height = rows * PANEL_HEIGHT;
  const layout = {
    width, height, margin: { l: 64, r: 14, t: 54, b: 56 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: pageFont, size: 12, color: paper.ink },
    hovermode: "closest", hoverdistance: 24,
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    showlegend: false, annotations: [], shapes: [],
  };
  panels.forEach((panel, index) => addPanel(layout, panel, index, { view, columns, rows, height, gap, paper, ranges }));
  return layout;
}

function addPanel(layout, panel, index, { view, columns, rows, height, gap, paper, ranges }) {
  const [column, row] = [index % columns, Math.floor(index / columns)];
  const left = (column * (1 + GAP)) / columns;
  const between = 104 / height; // room for the labels below a row and the titles of the next
  const tall = (1 - between * (rows - 1)) / rows;
  const bottom = 1 - tall - row * (tall + between);
  const domain = { x: [left, Math.min(1, left + (1 - GAP * (columns - 1)) / columns)], y: [bottom, bottom + tall] };
  const common = { gridcolor: paper.line, linecolor: paper.soft, zerolinecolor: paper.line, ticks: "outside", tickcolor: paper.soft, automargin: false };
  const name = (letter) => `${letter}axis${index ? index + 1 : ""}`;
  layout[name("x")] = { ...common, domain: domain.x, anchor: axisName("y", index), range: ranges.x, title: { text: plotText(MEASURES.get(view.x).label), standoff: 8 },
    ...(index ? { matches: "x" } : {}), ...(gap ? brokenAxis(gap) : {}) };
  layout[name("y")] = { ...common, domain: domain.y, anchor: axisName("x", index), range: ranges.y, ...(index ? { matches: "y" } : {}),
    ...(column ? { showticklabels: false } : { title: { text: plotText(MEASURES.get(view.y).label), standoff: 6 } }) };
  layout.annotations.push({ text: headOf(panel), x: domain.x[0], y: domain.y[1], xref: "paper", yref: "paper", xanchor: "left",
    yanchor: "bottom", yshift: 6, showarrow: false, align: "left" });
  if (gap) layout.shapes.push({ type: "line", xref: axisName("x", index), yref: `${axisName("y", index)} domain`, x0: gap.line, x1: gap.line, y0: 0, y1: 1,
    line: { color: paper.soft, width: 1, dash: "dot" } });
}

function brokenAxis(gap) {
  const ticks = ticksBetween(gap.low, gap.high);
  return { tickvals: [gap.at, ...ticks], ticktext: ["untrained", ...ticks.map(String)] };
}

/** Ends of an axis around values, with room for the markers. */
function rangeOf(values) {
  const known = values.filter((value) => value !== null);
  if (!known.length) return [0, 1];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const room = 0.07 * (high - low) || 0.1 * Math.abs(high) || 1;
  return [low - room, high + room];
}

/** Both ranges: points with their intervals, untrained ones left of the break. */
function rangesOf(points, view, gap) {
  const ends = (name) => (view.bars ? points.flatMap((point) => point[name]) : []);
  const x = points.map((point) => point.x).filter((value) => !gap || value >= gap.low);
  return {
    x: rangeOf(gap ? [...x, gap.at, gap.high] : [...x, ...ends("xEnds")]),
    y: rangeOf([...points.map((point) => point.y), ...ends("yEnds")]),
  };
}

/** Points of the rows that have a value on both axes. */
const pointsOf = (rows, view) => rows.map((row) => pointOf(row, view)).filter((point) => point.x !== null && point.y !== null);

/** Draw points with axes that fit them. */
function drawPlot(points, view) {
  const host = byId("plot");
  const paper = palette();
  const gap = breakOf(points, view);
  const panels = points.length ? panelsOf(points) : [{ condition: null, title: "", points: [] }];
  const traces = panels.flatMap((panel, index) => [...twinLines(panel, index, paper), ...tracesOf(panel, index, view, gap, paper)]);
  const layout = layoutOf(panels, view, plotWidth, gap, paper, rangesOf(points, view, gap));
  host.setAttribute("aria-label", `Scatter plot of ${points.length} points: ${MEASURES.get(view.y).label} against ${MEASURES.get(view.x).label}. The table below has the same rows.`);
  marksOf(host).forEach((mark) => showMark(mark, true));
  Plotly.react(host, traces, layout, { displayModeBar: false, responsive: false, doubleClick: "reset" });
  if (!host.dataset.watched) watchPlot(host);
  drawnKeys = traces.filter((trace) => trace.mode === "markers").flatMap((trace) => trace.customdata.map(String));
  host.setAttribute("aria-busy", "false");
}

const marksOf = (host) => host.querySelectorAll(".points path");

function showMark(mark, isShown) {
  if ((mark.style.display !== "none") !== isShown) mark.style.display = isShown ? "" : "none";
}

let drawnKeys = []; // of the points in the plot, in the order of their marks
let drawing = null;

/** Points that are gone go at once; the axes and what came follow when the page has answered. */
function plotSoon(points, view) {
  const host = byId("plot");
  const marks = marksOf(host);
  if (marks.length === drawnKeys.length) {
    const kept = new Set(points.map((point) => String([point.model, point.condition])));
    marks.forEach((mark, index) => showMark(mark, kept.has(drawnKeys[index])));
  }
  host.setAttribute("aria-busy", "true");
  const shown = { ...view };
  clearTimeout(drawing);
  requestAnimationFrame(() => {
    clearTimeout(drawing);
    drawing = setTimeout(() => drawPlot(points, shown), 90);
  });
}

/** The points answer to the pointer. */
function watchPlot(host) {
  host.dataset.watched = "true";
  const rowOf = (event) => {
    const [model, condition] = event.points[0].customdata;
    return { model, condition };
  };
  host.on("plotly_hover", (event) => {
    host.style.cursor = "pointer";
    showTip(rowOf(event), event.event.clientX, event.event.clientY);
  });
  host.on("plotly_unhover", hideTip);
  host.on("plotly_click", (event) => openModel(rowOf(event).model));
}
