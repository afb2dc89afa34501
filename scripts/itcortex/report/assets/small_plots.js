// Line plots of single networks: layers by depth, and the course over time.

const LINES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];
const DASHES = ["solid", "dash", "dot", "dashdot"];

/** A band between two lines. */
function bandTrace(x, low, high, hue) {
  return { type: "scatter", mode: "lines", x: [...x, ...[...x].reverse()], y: [...high, ...[...low].reverse()], fill: "toself",
    fillcolor: `${hue}22`, line: { width: 0 }, hoverinfo: "skip", showlegend: false };
}

/** A model's layers under a condition: r by depth, with dots that grow with the share of folds that chose a layer. */
function layerTraces(model, condition, name, hue, dash = "solid") {
  const layers = DATA.layers[condition][model];
  if (!layers) return [];
  const ends = (sign) => layers.r.map((r, index) => (r ?? 0) + sign * (layers.error[index] ?? 0));
  return [bandTrace(layers.depth, ends(-1), ends(1), hue), {
    type: "scatter", mode: "lines+markers", name: plotText(name), x: layers.depth, y: layers.r, text: layers.names.map(plotText),
    line: { color: hue, dash, width: 2 }, marker: { color: hue, size: layers.chosen.map((share) => 5 + 11 * share) },
    hovertemplate: "%{text}<br>r %{y:.3f}, depth %{x:.2f}<extra></extra>",
  }];
}

/** r in every window at its centre, and the ceiling. */
function courseTraces(model, condition, name, hue) {
  const { start, stop, models } = DATA.courses[condition];
  const course = models[model];
  if (!course || !start.length) return [];
  const centres = start.map((value, index) => (value + stop[index]) / 2);
  const known = (values) => values.map((value) => value ?? 0);
  return [bandTrace(centres, known(course.r_low), known(course.r_high), hue),
    { type: "scatter", mode: "lines", name: plotText(name), x: centres, y: course.r, line: { color: hue, width: 2 },
      hovertemplate: "%{x:.0f} ms: r %{y:.3f}<extra></extra>" }];
}

/** A figure with a line plot, a title and a text for those who do not see it. */
function linePlot(title, description, traces, xTitle) {
  const host = element("div", { class: "line-plot", role: "img", "aria-label": description });
  const figure = element("figure", { class: "small" }, element("figcaption", {}, title), host);
  figure.draw = () => {
    const paper = palette();
    const axis = { gridcolor: paper.line, linecolor: paper.soft, zerolinecolor: paper.line };
    Plotly.react(host, traces, {
      width: host.clientWidth || 420, height: 280, margin: { l: 52, r: 10, t: 8, b: 46 }, paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)", font: { family: pageFont, size: 11, color: paper.ink },
      xaxis: { ...axis, title: { text: xTitle, standoff: 6 } }, yaxis: { ...axis, title: { text: "Pearson r", standoff: 4 } },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: { size: 11 } }, hovermode: "closest", dragmode: false,
      showlegend: traces.filter((trace) => trace.name).length > 1, hoverlabel: { bgcolor: paper.ground, font: { color: paper.ink } },
    }, { displayModeBar: false });
  };
  return figure;
}

/** Draw figures of `linePlot` once they are in the page. */
const drawAll = (figures) => figures.forEach((figure) => figure.draw());
