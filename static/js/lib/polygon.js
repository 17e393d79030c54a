// Outlines on a picture: what is wrong with one, and how one is edited. Positions are [x, y], as
// fractions of the picture, x to the right, y down. The rules are the server's (zones/geometry.py),
// exact as there: which side of a line a point lies on is asked of floats with a proven error bound,
// and of whole numbers where the bound does not decide.

export const MIN_CORNERS = 3;
export const MAX_CORNERS = 200;
export const CROSSING = 'Two sides cross. Move the corner back, or it cannot be saved.';
export const FEW = 'A zone needs at least 3 corners.';
export const MANY = `A zone has at most ${MAX_CORNERS} corners.`;

// Stored positions are whole hundredths of a per cent: finer than a pixel of a large picture.
const STEPS = 10_000;
// Snapping without a corner near by goes to half per cents.
const GRID = 200;

// Shewchuk (1997), ccwerrboundA, with half an ulp of 1.0; it holds while no product is subnormal.
const HALF_ULP = 2 ** -53;
const ERROR_BOUND = (3 + 16 * HALF_ULP) * HALF_ULP;
const SMALLEST_TRUSTED = 1e-280;
const bytes = new DataView(new ArrayBuffer(8));

/** A double times 2**1074, which is a whole number, exactly. */
function whole(value) {
  bytes.setFloat64(0, value);
  const bits = bytes.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & 0xfffffffffffffn;
  const size = exponent ? (fraction | (1n << 52n)) << (exponent - 1n) : fraction;
  return value < 0 ? -size : size;
}

/** The exact sign of cross(b - a, p - a): 1 to the right walking from a to b, -1 left, 0 on it. */
export function turn(a, b, p) {
  const left = (b[0] - a[0]) * (p[1] - a[1]);
  const right = (b[1] - a[1]) * (p[0] - a[0]);
  const size = Math.abs(left) + Math.abs(right);
  if (size > SMALLEST_TRUSTED && Math.abs(left - right) > ERROR_BOUND * size) {
    return Math.sign(left - right);
  }
  const [ax, ay, bx, by, px, py] = [...a, ...b, ...p].map(whole);
  const cross = (bx - ax) * (py - ay) - (by - ay) * (px - ax);
  return cross > 0n ? 1 : cross < 0n ? -1 : 0;
}

function between(a, b, p) {
  return [0, 1].every((n) => Math.min(a[n], b[n]) <= p[n] && p[n] <= Math.max(a[n], b[n]));
}

/** Whether the closed segments a-b and c-d share a point. */
export function segmentsMeet(a, b, c, d) {
  const [ofC, ofD, ofA, ofB] = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)];
  if (ofC * ofD < 0 && ofA * ofB < 0) {
    return true;
  }
  return (
    (ofC === 0 && between(a, b, c)) ||
    (ofD === 0 && between(a, b, d)) ||
    (ofA === 0 && between(c, d, a)) ||
    (ofB === 0 && between(c, d, b))
  );
}

export const same = (p, q) => p[0] === q[0] && p[1] === q[1];

function onPicture(p) {
  return Array.isArray(p) && p.length === 2 && p.every((v) => typeof v === 'number' && v >= 0 && v <= 1);
}

function equalCorners(corners) {
  for (let n = 1; n < corners.length; n += 1) {
    const first = corners.findIndex((corner) => same(corner, corners[n]));
    if (first < n) {
      return [first, n];
    }
  }
  return null;
}

/** The first pair of sides of a closed outline that meet where they should not, else null. */
export function crossingSides(corners) {
  const count = corners.length;
  const side = (n) => [corners[n], corners[(n + 1) % count]];
  for (let i = 0; i < count; i += 1) {
    for (let j = i + 2; j < count - (i === 0 ? 1 : 0); j += 1) {
      if (segmentsMeet(...side(i), ...side(j))) {
        return [i, j];
      }
    }
  }
  return null;
}

/** What is wrong with an outline: {code, words, sides}, or null. `sides` are those to show in red. */
export function outlineProblem(corners) {
  const problem = (code, words, sides = []) => ({ code, words, sides });
  if (corners.length < MIN_CORNERS) {
    return problem('few', FEW);
  }
  if (corners.length > MAX_CORNERS) {
    return problem('many', MANY);
  }
  if (!corners.every(onPicture)) {
    return problem('outside', 'A corner lies outside the picture.');
  }
  const twins = equalCorners(corners);
  if (twins) {
    const [one, other] = twins.map((n) => n + 1);
    return problem('same', `Corners ${one} and ${other} are at the same place. Move one of them.`);
  }
  if (corners.slice(2).every((corner) => turn(corners[0], corners[1], corner) === 0)) {
    return problem('flat', 'All corners are on one line, so there is no area.', corners.map((_, n) => n));
  }
  const sides = crossingSides(corners);
  return sides && problem('crossing', CROSSING, sides);
}

/** What is wrong with a counting line from a to b, or null. */
export function lineProblem([a, b]) {
  if (![a, b].every(onPicture)) {
    return { code: 'outside', words: 'An end lies outside the picture.', sides: [] };
  }
  return same(a, b) ? { code: 'same', words: 'Both ends are at the same place.', sides: [0] } : null;
}

/** What is wrong with a corner put after others while an outline is drawn, or null. */
export function nextCornerProblem(corners, next) {
  if (corners.length >= MAX_CORNERS) {
    return MANY;
  }
  if (corners.some((corner) => same(corner, next))) {
    return 'There is a corner already. Put this one somewhere else.';
  }
  const last = corners.at(-1);
  for (let n = 0; n + 2 < corners.length; n += 1) {
    if (segmentsMeet(corners[n], corners[n + 1], last, next)) {
      return 'That side would cross another side. Put the corner somewhere else.';
    }
  }
  // Straight back over the side before would meet it in more than their corner.
  const back = corners.at(-2);
  const returns = back && turn(back, last, next) === 0 && (between(last, next, back) || between(back, last, next));
  return returns ? 'That side would lie on the one before. Put the corner somewhere else.' : null;
}

// --- editing; every function returns a new list ---------------------------------------------------

export const limit = (value, low = 0, high = 1) => Math.min(high, Math.max(low, value));
export const tidy = ([x, y]) => [x, y].map((v) => Math.round(limit(v) * STEPS) / STEPS);
export const middle = (a, b) => tidy([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
export const moveCorner = (corners, at, to) => corners.map((corner, n) => (n === at ? tidy(to) : corner));
export const removeCorner = (corners, at) => corners.filter((_, n) => n !== at);

/** Put a corner on the side that begins at corner `at`: in its middle, or where it is told. */
export function insertCorner(corners, at, to = middle(corners[at], corners[(at + 1) % corners.length])) {
  return [...corners.slice(0, at + 1), tidy(to), ...corners.slice(at + 1)];
}

/** Move all of it, no further than the edge of the picture, so that its form stays. */
export function moveAll(corners, [dx, dy]) {
  const room = (n, by) => {
    const values = corners.map((corner) => corner[n]);
    return limit(by, -Math.min(...values), 1 - Math.max(...values));
  };
  const [byX, byY] = [room(0, dx), room(1, dy)];
  return corners.map(([x, y]) => tidy([x + byX, y + byY]));
}

/** A point drawn to the nearest corner within reach, else to the edges and half per cents. */
export function snap(p, corners, { width, height, reach = 9 }) {
  const far = (corner) => Math.hypot((corner[0] - p[0]) * width, (corner[1] - p[1]) * height);
  const near = corners.filter((corner) => far(corner) <= reach).sort((a, b) => far(a) - far(b))[0];
  return near ? [...near] : p.map((v) => Math.round(limit(v) * GRID) / GRID);
}

/** Where a shape's name stands: the middle of its corners. */
export function centre(corners) {
  return [0, 1].map((n) => corners.reduce((sum, corner) => sum + corner[n], 0) / corners.length);
}

/**
 * The arrow of a counting line towards the inside, in pixels of a picture of a size: from its
 * middle, `length` long. Walking from a to b with y downwards, the right hand is at (-uy, ux).
 */
export function arrow([a, b], side, { width, height }, length) {
  const [x1, y1, x2, y2] = [a[0] * width, a[1] * height, b[0] * width, b[1] * height];
  const across = Math.hypot(x2 - x1, y2 - y1) || 1;
  const sign = side === 'left' ? -1 : 1;
  const [nx, ny] = [(-(y2 - y1) / across) * sign, ((x2 - x1) / across) * sign];
  const from = [(x1 + x2) / 2, (y1 + y2) / 2];
  return { from, to: [from[0] + nx * length, from[1] + ny * length], along: [nx, ny] };
}
