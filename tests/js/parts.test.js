// What parts of the pages work out before they show it.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rgb, shade } from '../../static/js/parts/heat.js';
import { readStart } from '../../static/js/parts/start_dialog.js';
import { refusalWords } from '../../static/js/parts/uploads.js';
import { joinZones } from '../../static/js/parts/zones_table.js';

const ZONE = 'Europe/London';

test('a start is a day and a time on the shop’s clock, or says what is missing', () => {
  assert.match(readStart('', '12:00', ZONE).error, /Give the day and the time/);
  assert.match(readStart('2026-07-01', '', ZONE).error, /Give the day and the time/);
  assert.equal(Date.parse(readStart('2026-07-01', '12:00:00', ZONE).instant), Date.parse('2026-07-01T11:00:00Z'));
});

test('a time that the clocks skip is refused, and one that they repeat is asked about', () => {
  assert.match(readStart('2026-03-29', '01:30:00', ZONE).error, /the clocks went forward/);
  const twice = readStart('2026-10-25', '01:30:00', ZONE);
  assert.match(twice.error, /which of the two/);
  assert.equal(twice.twice.length, 2);
  const told = [0, 1].map((which) => Date.parse(readStart('2026-10-25', '01:30:00', ZONE, which).instant));
  assert.deepEqual(told, ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'].map(Date.parse));
});

test('a refused file is told in the server’s words, a broken line in ours', () => {
  const answer = (body) => ({ originalResponse: { getBody: () => body } });
  assert.deepEqual(refusalWords(answer('{"detail": "Too large.", "code": "too_big"}')), { text: 'Too large.', code: 'too_big' });
  for (const error of [{}, answer('<html>'), answer(''), answer('{}')]) {
    const { text, again } = refusalWords(error);
    assert.match(text, /What was sent so far is kept/);
    assert.equal(again, true);
  }
});

test('zones of the shop and of a recording are one row each, in the shop’s order', () => {
  const rows = joinZones([{ id: 'a', now: 1 }, { id: 'b', now: 2 }], [{ id: 'c', stays: 3 }, { id: 'a', stays: 4 }]);
  assert.deepEqual(rows.map(({ zone }) => zone.id), ['a', 'b', 'c']);
  assert.deepEqual(rows.map(({ store }) => store?.now ?? null), [1, 2, null]);
  assert.deepEqual(rows.map(({ recording }) => recording?.stays ?? null), [4, null, 3]);
});

test('heat is clear for next to nothing, and goes from the first colour to the last', () => {
  const ramp = [[...rgb('#000000'), 70], [...rgb('#0a141e'), 220]];
  assert.deepEqual(shade(0, ramp), [0, 0, 0, 0]);
  assert.deepEqual(shade(0.02, ramp), [0, 0, 0, 0]);
  assert.deepEqual(shade(0.5, ramp), [5, 10, 15, 145]);
  assert.deepEqual(shade(1, ramp), [10, 20, 30, 220]);
  assert.deepEqual(shade(7, ramp), [10, 20, 30, 220]);
});
