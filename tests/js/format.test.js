import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import * as format from '../../static/js/lib/format.js';

test('a time is told on the clock of the store, whatever the clock of the reader', () => {
  const at = '2026-07-01T12:05:09Z';
  assert.equal(format.clock(at, 'Europe/London'), '13:05');
  assert.equal(format.clockSeconds(at, 'Asia/Kolkata'), '17:35:09');
  assert.equal(format.clock('2026-11-21T00:00:00Z', 'UTC'), '00:00');
});

test('a day is the day of the store', () => {
  const at = '2026-11-21T23:30:00Z';
  assert.equal(format.day(at, 'Europe/London'), 'Sat 21 Nov');
  assert.equal(format.day(at, 'Asia/Tokyo'), 'Sun 22 Nov');
  assert.equal(format.longDay(at, 'Asia/Tokyo'), 'Sunday 22 November');
  assert.equal(format.isoDay(at, 'Asia/Tokyo'), '2026-11-22');
  assert.equal(format.day('2026-09-05T12:00:00Z', 'UTC'), 'Sat 5 Sep');
});

test('nothing measured is a dash and never a zero', () => {
  for (const write of [format.count, format.percent, format.duration, format.durationWords]) {
    assert.equal(write(null), '—');
    assert.notEqual(write(0), '—');
  }
});

// The server writes the same by `ot.py`; `tests/pages/test_words.py` reads the same cases.
const cases = JSON.parse(readFileSync(new URL('./cases.json', import.meta.url), 'utf8'));
for (const [name, pairs] of Object.entries(cases)) {
  test(`${name} writes numbers and times as the server does`, () => {
    for (const [value, written] of pairs) {
      assert.equal(format[name](value, 'Europe/London'), written, `of ${value}`);
    }
  });
}

test('a span of a few seconds shows them, a long one does not', () => {
  const span = (start, end) => format.clockSpan(start, end, 'UTC');
  assert.equal(span('2026-11-21T12:00:00Z', '2026-11-21T12:00:20Z'), '12:00:00 to 12:00:20');
  assert.equal(span('2026-11-21T12:00:00Z', '2026-11-21T13:30:00Z'), '12:00 to 13:30');
  assert.equal(span('2026-11-21T23:00:00Z', '2026-11-22T01:00:00Z'), '23:00 to Sun 22 Nov, 01:00');
});

test('a time on the wall is one instant on an ordinary day', () => {
  assert.deepEqual(format.instantsAt('2026-11-21', '14:05', 'Europe/London'), [
    '2026-11-21T14:05:00.000Z',
  ]);
  assert.deepEqual(format.instantsAt('2026-07-01', '14:05:09', 'Asia/Kolkata'), [
    '2026-07-01T08:35:09.000Z',
  ]);
});

test('a time that the clocks sprang over does not exist', () => {
  assert.deepEqual(format.instantsAt('2026-03-29', '02:30', 'Europe/Berlin'), []);
});

test('a time that the clocks went back over is two instants', () => {
  assert.deepEqual(format.instantsAt('2026-10-25', '02:30', 'Europe/Berlin'), [
    '2026-10-25T00:30:00.000Z',
    '2026-10-25T01:30:00.000Z',
  ]);
});

test('the axis of a chart is as wide as its longest number', () => {
  const width = (...values) => format.axisWidth(values.map(format.count), 30);
  assert.equal(width(), 30);
  assert.equal(width(0, 5, 10), 30);
  assert.ok(width(0, 100_000) > width(0, 10_000));
  assert.ok(width(0, 100_000) >= 7 * '100,000'.length);
});

test('what is no time is no instant', () => {
  assert.deepEqual(format.instantsAt('', '14:05', 'UTC'), []);
  assert.deepEqual(format.instantsAt('2026-11-21', '25:10', 'UTC'), []);
});
