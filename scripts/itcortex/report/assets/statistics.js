// What the page computes of the rows that are shown. All else comes from tables.

const FEWEST = 5; // networks for a rank correlation, folds for an interval
const DRAWS = 1000;

/** Ranks from 1; equal values share their mean rank. */
function ranksOf(values) {
  const order = values.map((_, index) => index).sort((a, b) => values[a] - values[b]);
  const ranks = new Array(values.length);
  for (let start = 0; start < order.length;) {
    let stop = start;
    while (stop < order.length && values[order[stop]] === values[order[start]]) stop += 1;
    for (let place = start; place < stop; place += 1) ranks[order[place]] = (start + stop + 1) / 2;
    start = stop;
  }
  return ranks;
}

const meanOf = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Pearson's correlation; null where a side does not vary. */
function pearson(a, b) {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((value, index) => {
    const [x, y] = [value - meanA, b[index] - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  });
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : null;
}

/** Spearman's correlation of points; null with fewer than five. */
function spearman(points) {
  if (points.length < FEWEST) return null;
  return pearson(ranksOf(points.map((point) => point.x)), ranksOf(points.map((point) => point.y)));
}

/** Random numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Percentile of sorted values, interpolated. */
function percentile(sorted, share) {
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

/** 95 % interval of the mean of paired differences: folds drawn with replacement, the same draws always. */
function pairedInterval(first, second) {
  const differences = first.map((value, fold) => (value === null || second[fold] === null ? null : value - second[fold]))
    .filter((value) => value !== null);
  if (differences.length < FEWEST) return null;
  const random = randomNumbers(20231);
  const means = Array.from({ length: DRAWS }, () =>
    meanOf(differences.map(() => differences[Math.floor(random() * differences.length)])));
  means.sort((a, b) => a - b);
  return [percentile(means, 0.025), percentile(means, 0.975)];
}
