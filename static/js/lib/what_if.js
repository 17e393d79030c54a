// What a drawing that is not saved would have counted, in words and rows: no page here.

import { clockSpan, count, day, duration, NONE } from './format.js';

const MINUS = '\u2212';

/** +44, −3, same; new where the saved map has it not, gone where the drawn one has not. */
export function difference(saved, drawn) {
  if (saved === null || drawn === null) {
    return saved === null ? 'new' : 'gone';
  }
  if (saved === drawn) {
    return 'same';
  }
  return `${drawn > saved ? '+' : MINUS}${count(Math.abs(drawn - saved))}`;
}

/** 0:52 → 0:50; one of both where they are alike, or only one map has it. */
export function stayWords(saved, drawn) {
  const [before, after] = [saved, drawn].map((told) => (told ? duration(told.median_s) : null));
  if (before === null || after === null || before === after) {
    return after ?? before ?? NONE;
  }
  return `${before} → ${after}`;
}

function row(name, colour, saved, drawn, stay) {
  return { name, colour, saved: count(saved), drawn: drawn === null ? NONE : count(drawn), difference: difference(saved, drawn), stay };
}

function zoneRow({ name, colour, saved, drawn }) {
  return row(name, colour, saved?.stays ?? null, drawn?.stays ?? null, stayWords(saved, drawn));
}

function lineRows({ name, saved, drawn }) {
  const ways = [['in', 'entries'], ['out', 'exits']];
  return ways.map(([word, key]) => row(`${name}, ${word}`, null, saved?.[key] ?? null, drawn?.[key] ?? null, ''));
}

/** The rows of the table: a zone each, a line twice, for who goes in and who goes out. */
export function rowsOf({ zones, lines }) {
  return [...zones.map(zoneRow), ...lines.flatMap(lineRows)];
}

/** Over whom both drawings were counted; empty where nobody was followed. */
export function spanWords({ since, until, ways, ways_of_day: all }, zone) {
  if (!ways) {
    return '';
  }
  const when = `${day(since, zone)}, ${clockSpan(since, until, zone)}`;
  if (ways < all) {
    return `${when}: the ways of the last ${count(ways)} of ${count(all)} people. More take too long to count again here.`;
  }
  return `${when}: the ways of ${ways === 1 ? '1 person' : `${count(ways)} people`}, counted again.`;
}
