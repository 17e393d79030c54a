import assert from 'node:assert/strict';
import { test } from 'node:test';

import { difference, rowsOf, spanWords, stayWords } from '../../static/js/lib/what_if.js';

const ZONE = 'Europe/Berlin';
const stays = (count, median) => ({ stays: count, median_s: median });

test('a difference has its sign, and is a word where there is none to tell', () => {
  const cases = [[890, 934, '+44'], [940, 931, '\u22129'], [3, 3, 'same'], [0, 1200, '+1,200'], [null, 0, 'new'], [5, null, 'gone']];
  for (const [saved, drawn, words] of cases) {
    assert.equal(difference(saved, drawn), words);
  }
});

test('typical stays are told once where they are alike or one map has none', () => {
  assert.equal(stayWords(stays(9, 52), stays(9, 50.2)), '0:52 → 0:50');
  assert.equal(stayWords(stays(9, 52), stays(8, 52.3)), '0:52');
  assert.equal(stayWords(null, stays(8, 12)), '0:12');
  assert.equal(stayWords(stays(8, 12), null), '0:12');
  assert.equal(stayWords(stays(8, 12), stays(1, null)), '0:12 → —');
});

test('a zone is a row and a line two, new and ended ones among them', () => {
  const rows = rowsOf({
    zones: [
      { name: 'Table', colour: 2, saved: stays(890, 52), drawn: stays(934, 50) },
      { name: 'New', colour: 3, saved: null, drawn: stays(4, null) },
    ],
    lines: [{ name: 'Door', saved: { entries: 7, exits: 5 }, drawn: null }],
  });
  assert.deepEqual(rows, [
    { name: 'Table', colour: 2, saved: '890', drawn: '934', difference: '+44', stay: '0:52 → 0:50' },
    { name: 'New', colour: 3, saved: '—', drawn: '4', difference: 'new', stay: '—' },
    { name: 'Door, in', colour: null, saved: '7', drawn: '—', difference: 'gone', stay: '' },
    { name: 'Door, out', colour: null, saved: '5', drawn: '—', difference: 'gone', stay: '' },
  ]);
});

test('the span says whose ways were counted, and how many were left out', () => {
  const told = { since: '2026-06-02T08:00:00Z', until: '2026-06-02T16:40:00Z', ways: 312, ways_of_day: 312 };
  assert.equal(spanWords(told, ZONE), 'Tue 2 Jun, 10:00 to 18:40: the ways of 312 people, counted again.');
  assert.match(spanWords({ ...told, ways_of_day: 1204 }, ZONE), /: the ways of the last 312 of 1,204 people\. More take too long/);
  assert.match(spanWords({ ...told, ways: 1, ways_of_day: 1 }, ZONE), /the ways of 1 person, counted again\.$/);
  assert.equal(spanWords({ since: null, until: null, ways: 0, ways_of_day: 0 }, ZONE), '');
});
