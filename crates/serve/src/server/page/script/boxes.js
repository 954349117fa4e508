// Boxes with what they may have besides, as shapes in the picture's pixels.

/** Which keypoints of a person are joined, in COCO's order. */
const BONES = [[15, 13], [13, 11], [16, 14], [14, 12], [11, 12], [5, 11], [6, 12], [5, 6], [5, 7], [6, 8], [7, 9], [8, 10], [1, 2], [0, 1], [0, 2], [1, 3], [2, 4], [3, 5], [4, 6]];
/** Keypoints that the model is less sure of are not drawn. */
const LEAST_KEYPOINT = 0.3;

const near = (number) => Math.round(number * 100) / 100;
const spot = ([x, y]) => `${near(x)} ${near(y)}`;

function corners({ box: [left, top, right, bottom], polygon }) {
  return polygon ?? [[left, top], [right, top], [right, bottom], [left, bottom]];
}

const isSure = (point) => point && point[2] >= LEAST_KEYPOINT;

/** The outline and the skeleton as the data of a path. */
function outline(one) {
  const points = one.keypoints ?? [];
  const bones = points.length === 17 ? BONES.filter(([a, b]) => isSure(points[a]) && isSure(points[b])) : [];
  return `M${corners(one).map(spot).join("L")}Z${bones.map(([a, b]) => `M${spot(points[a])}L${spot(points[b])}`).join("")}`;
}

/** Keypoints as the data of a path of points, which round caps make visible. */
const dots = ({ keypoints = [] }) => keypoints.filter(isSure).map((point) => `M${spot(point)}h0`).join("");

/** Twice the signed area of a triangle. */
const side = (a, b, c) => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);

/** The place of the smallest box that holds the point, so that boxes in others can be reached. */
function hit(shown, at) {
  let [found, least] = [null, Infinity];
  for (const { place, one } of shown) {
    const points = corners(one);
    const sides = points.map((point, i) => side(point, points[(i + 1) % 4], at));
    const size = Math.abs(side(points[0], points[1], points[2]));
    if (size < least && (sides.every((one) => one >= 0) || sides.every((one) => one <= 0))) [found, least] = [place, size];
  }
  return found;
}

/** Paints a mask of COCO's run lengths, brought to the size of `pixels`. */
function paintRuns({ size: [rows, columns], counts }, { width, height }, words, word) {
  const target = (place, from, to) => Math.max(0, Math.ceil((place * to) / from - 0.5));
  const total = rows * columns;
  let at = 0;
  counts.forEach((run, i) => {
    const end = Math.min(at + run, total);
    while (i % 2 === 1 && at < end) {
      const column = Math.floor(at / rows);
      const stop = Math.min(end, (column + 1) * rows);
      const [top, bottom] = [target(at - column * rows, rows, height), Math.min(height, target(stop - column * rows, rows, height))];
      const last = Math.min(width, target(column + 1, columns, width));
      for (let x = target(column, columns, width); x < last; x += 1) for (let y = top; y < bottom; y += 1) words[y * width + x] = word;
      at = stop;
    }
    at = end;
  });
}
