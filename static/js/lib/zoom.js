// Which part of a chart's bars is shown: pure, in places of bars; what is kept are instants, so that
// bars that come later do not move the part.

// Fewer bars than this are no chart.
export const FEWEST = 3;

/** A part of at least `FEWEST` of `length` bars, from one place to another whichever comes first. */
export function between(one, other, length) {
  const [low, high] = [Math.min(one, other), Math.max(one, other)].map(Math.round);
  const size = Math.min(Math.max(high - low + 1, FEWEST), length);
  const from = Math.min(Math.max(low, 0), length - size);
  return { from, to: from + size - 1 };
}

export const whole = (length) => ({ from: 0, to: length - 1 });

export const isWhole = ({ from, to }, length) => from === 0 && to === length - 1;

/** The middle half of a part. */
export function closer({ from, to }, length) {
  const quarter = Math.floor((to - from + 1) / 4);
  return between(from + quarter, to - quarter, length);
}

/** A part half its own length earlier (-1) or later (1), and never past the ends. */
export function moved({ from, to }, length, way) {
  const size = to - from + 1;
  const step = Math.max(1, Math.floor(size / 2));
  const begin = Math.min(Math.max(from + way * step, 0), length - size);
  return { from: begin, to: begin + size - 1 };
}

/** Where the bars that begin from one kept instant to another stand; all where none is left. */
export function placesOf(kept, starts) {
  const places = starts.flatMap((at, place) => (kept && at >= kept.from && at <= kept.to ? [place] : []));
  return places.length ? between(places[0], places.at(-1), starts.length) : whole(starts.length);
}
