// What stands at the bars of a chart: the steps of its scale, times and names below, words beside.

import { clock, percent } from './format.js';

const WIDTH_MS = 5 * 60 * 1000;

export const isSeen = (bucket) => bucket.entries !== null;

/** When a bucket that begins then is over. */
export const endOf = (startsAt) => Date.parse(startsAt) + WIDTH_MS;

export function spanOf(bucket, zone) {
  return `${clock(bucket.starts_at, zone)} to ${clock(endOf(bucket.starts_at), zone)}`;
}

export function noteOf(bucket) {
  if (!isSeen(bucket)) {
    return 'not seen';
  }
  if (!bucket.complete) {
    return 'still counting';
  }
  return bucket.observed < 0.95 ? `seen ${percent(bucket.observed)}` : '';
}

/** Steps of 1, 2, 3, 5, 10, 20 … of whole people that give at most `most` lines up to `max`. */
export function niceStep(max, most = 4) {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(max, 1) / most)));
  const step = [1, 2, 3, 5, 10].map((factor) => factor * power).find((value) => max / value <= most);
  return Math.max(1, step ?? power * 10);
}

/** Minutes since midnight on the wall: some zones are a quarter of an hour off the others' hours. */
function minutesOn(at, zone) {
  const [hours, minutes] = clock(at, zone).split(':').map(Number);
  return hours * 60 + minutes;
}

/** Which bars get a time under them: every 15 minutes, half that on a narrow chart, or all of few. */
export function timeMarks(buckets, width, zone) {
  const most = Math.max(2, Math.floor(width / 76));
  const step = [1, 3, 6, 12, 24, 48].find((every) => buckets.length / every <= most) ?? 96;
  return buckets
    .map((bucket, index) => ({ index, minutes: minutesOn(bucket.starts_at, zone) }))
    .filter(({ minutes }) => minutes % (step * 5) === 0);
}

/** Which bars get a name under them: those of the marks that there is room for, or every so many. */
export function named(hours, marks, width) {
  const most = Math.max(3, Math.floor(width / 64));
  if (marks?.length) {
    const every = Math.ceil(marks.length / most);
    return marks.filter((_, index) => index % every === 0);
  }
  const every = Math.ceil(hours.length / most);
  return hours.map((hour, index) => [index, hour.name.slice(0, 5)]).filter(([index]) => index % every === 0);
}
