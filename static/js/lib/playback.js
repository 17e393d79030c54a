// Which moment of a recording is shown, at the media's own pace. Pure: the time is handed in.

/**
 * Plays what is counted so far. While more is coming it waits at the end, else it starts again.
 */
export class Playback {
  constructor() {
    this.atMs = 0;
    this.readyMs = 0;
    this.growing = false;
    this.paused = false;
    this.tickedAt = null;
  }

  /** `readyMs` is how far the recording can be shown, `growing` whether it gets longer. */
  extent(readyMs, growing) {
    this.readyMs = readyMs;
    this.growing = growing;
    this.atMs = Math.min(this.atMs, readyMs);
  }

  /** Move on to `now` (any clock, in ms) and return the moment to show. */
  tick(now) {
    const passed = this.tickedAt === null ? 0 : now - this.tickedAt;
    this.tickedAt = now;
    if (!this.paused) {
      this.atMs += passed;
    }
    if (this.atMs >= this.readyMs) {
      this.atMs = this.growing || this.paused ? this.readyMs : 0;
    }
    return this.atMs;
  }

  seek(atMs) {
    this.atMs = Math.min(Math.max(0, atMs), this.readyMs);
  }

  get waiting() {
    return this.growing && this.atMs >= this.readyMs;
  }
}

/** The last item whose `time_ms` is not after `atMs`; `items` sorted. Null before the first. */
export function lastAt(items, atMs) {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].time_ms <= atMs) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low ? items[low - 1] : null;
}

/** The item nearest to `atMs`, or null where none is within `withinMs`. */
export function nearest(items, atMs, withinMs) {
  const before = lastAt(items, atMs);
  const after = items[before ? items.indexOf(before) + 1 : 0] ?? null;
  const found = [before, after]
    .filter((item) => item && Math.abs(item.time_ms - atMs) <= withinMs)
    .sort((a, b) => Math.abs(a.time_ms - atMs) - Math.abs(b.time_ms - atMs));
  return found[0] ?? null;
}

/** The part of a trail of [time_ms, x, y] in the `lastMs` before `atMs`. */
export function trailUntil(points, atMs, lastMs) {
  return points.filter(([time]) => time <= atMs && time > atMs - lastMs);
}
