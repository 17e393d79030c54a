import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isSeen, named, niceStep, noteOf, spanOf, timeMarks } from '../../static/js/lib/bars.js';
import { clock } from '../../static/js/lib/format.js';

const seen = { entries: 0, complete: true, observed: 1 };

/** Bars of five minutes from an instant on. */
function bars(from, many) {
  const at = (n) => new Date(Date.parse(from) + n * 300_000).toISOString();
  return [...Array(many).keys()].map((n) => ({ starts_at: at(n) }));
}

test('a zero was seen and a null was not', () => {
  assert.equal(isSeen({ entries: 0 }), true);
  assert.equal(isSeen({ entries: null }), false);
});

test('a bar says what its number cannot', () => {
  assert.equal(noteOf({ ...seen, entries: null }), 'not seen');
  assert.equal(noteOf({ ...seen, complete: false }), 'still counting');
  assert.equal(noteOf({ ...seen, observed: 0.5 }), 'seen 50 %');
  assert.equal(noteOf({ ...seen, observed: 0.95 }), '');
});

test('a bar of five minutes is told by the clock of the shop', () => {
  assert.equal(spanOf({ starts_at: '2026-07-01T12:55:00Z' }, 'Europe/London'), '13:55 to 14:00');
});

test('a scale has whole people and few lines, whatever the largest number', () => {
  for (let max = 0; max < 3000; max += 1) {
    const step = niceStep(max);
    assert.ok(Number.isInteger(step) && step >= 1, `${max}: ${step}`);
    assert.ok(max / step <= 4, `${max}: ${step}`);
  }
  assert.deepEqual([2, 7, 12, 37, 250, 123_456].map((max) => niceStep(max)), [1, 2, 3, 10, 100, 50_000]);
});

test('times stand at whole quarters and hours of the shop, wherever it is', () => {
  for (const zone of ['Europe/London', 'Asia/Kathmandu', 'Asia/Kolkata', 'Australia/Eucla']) {
    const day = bars('2026-07-01T12:05:00Z', 288);
    const told = (width, many) => timeMarks(day.slice(0, many), width, zone).map(({ index }) => clock(day[index].starts_at, zone));
    assert.ok(told(900, 24).length >= 7);
    assert.ok(told(900, 24).every((time) => /:(00|15|30|45)$/.test(time)), zone);
    assert.ok(told(900, 120).every((time) => time.endsWith(':00')), zone);
    assert.ok(told(300, 120).length <= 4, zone);
  }
});

test('a mark is below the bar whose time it tells', () => {
  const day = bars('2026-07-01T12:05:00Z', 24);
  assert.deepEqual(timeMarks(day, 900, 'UTC')[0], { index: 2, minutes: 12 * 60 + 15 });
});

test('names have room: as many as fit, the first one always', () => {
  const hours = [...Array(24).keys()].map((n) => ({ name: `${String(n).padStart(2, '0')}:00 to then` }));
  assert.deepEqual(named(hours, null, 400), [[0, '00:00'], [4, '04:00'], [8, '08:00'], [12, '12:00'], [16, '16:00'], [20, '20:00']]);
  const marks = [[0, 'Mon'], [10, 'Tue'], [20, 'Wed'], [30, 'Thu']];
  assert.deepEqual(named(hours, marks, 2000), marks);
  assert.deepEqual(named(hours, marks, 100), [[0, 'Mon'], [20, 'Wed']]);
});
