// Where somebody was on their way, at any moment. Pure. A way is pieces of [time_ms, x, y].

/** The first and the last moment of a way, or null of none. */
export function spanOf(pieces) {
  const ends = pieces.flatMap((piece) => [piece[0][0], piece.at(-1)[0]]);
  return ends.length ? [Math.min(...ends), Math.max(...ends)] : null;
}

function between(piece, atMs) {
  const index = piece.findIndex(([time]) => time >= atMs);
  const [time, x, y] = piece[index];
  if (index === 0 || time === atMs) {
    return [x, y];
  }
  const [before, x0, y0] = piece[index - 1];
  const share = (atMs - before) / (time - before);
  return [x0 + share * (x - x0), y0 + share * (y - y0)];
}

/** [x, y] at a moment: on a piece of the way, else at the end of one that is nearest in time. */
export function placeAt(pieces, atMs) {
  const inside = pieces.find((piece) => piece[0][0] <= atMs && atMs <= piece.at(-1)[0]);
  if (inside) {
    return between(inside, atMs);
  }
  const ends = pieces.flatMap((piece) => [piece[0], piece.at(-1)]);
  const near = ends.sort((a, b) => Math.abs(a[0] - atMs) - Math.abs(b[0] - atMs))[0];
  return near ? [near[1], near[2]] : null;
}

// However long a way took, walking along it takes no longer.
const LONGEST_MS = 15_000;

/** How many times faster than life a way of this length is walked along. */
export function paceOf(lengthMs) {
  return Math.max(1, lengthMs / LONGEST_MS);
}
