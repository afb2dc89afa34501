// Maps, painted from bytes: one for each position of a grid or a picture.

/** Blue through white to red, for activity; dark to bright, for attention. Anchors at equal steps. */
const SCALES = {
  activity: [[33, 102, 172], [146, 197, 222], [247, 247, 247], [244, 165, 130], [178, 24, 43]],
  attention: [[0, 32, 76], [63, 76, 107], [124, 123, 120], [188, 175, 111], [255, 234, 70]],
};

function between(anchors, byte) {
  const place = (byte / 255) * (anchors.length - 1);
  const low = Math.min(Math.floor(place), anchors.length - 2);
  return anchors[low].map((value, index) => value + (anchors[low + 1][index] - value) * (place - low));
}

/** A canvas of one map; `image` counts maps in `coded`, bytes in base 64. */
function mapCanvas(coded, image, shape, scale, description) {
  const [rows, columns] = shape;
  const bytes = atob(coded);
  const canvas = element("canvas", { width: columns, height: rows, class: "map", role: "img", "aria-label": description });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(columns, rows);
  for (let place = 0; place < rows * columns; place += 1) {
    const rgb = between(SCALES[scale], bytes.charCodeAt(image * rows * columns + place));
    pixels.data.set([...rgb, 255], 4 * place);
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** The photograph, its recorded map and those of some models, in a column with what is said below. */
function mapColumn(maps, image, models, captions) {
  const name = maps.images[image];
  const picture = (coded, what) => mapCanvas(coded, image, maps.shape, "activity", `${what} map on ${name}`);
  return element("figure", { class: "maps" },
    element("img", { src: maps.photographs[image], alt: `photograph ${name}` }),
    picture(maps.recorded, "recorded"),
    ...models.map((model) => (maps.models[model] ? picture(maps.models[model], `predicted (${DATA.models[model].name})`) : element("span", { class: "map" }, DASH))),
    element("figcaption", {}, ...captions(name).map((line) => element("span", {}, line))));
}
