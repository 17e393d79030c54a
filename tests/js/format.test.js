import assert from 'node:assert/strict';
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

test('durations read as people say them', () => {
  assert.equal(format.duration(106), '1:46');
  assert.equal(format.duration(59.6), '1:00');
  assert.equal(format.duration(3766), '1:02:46');
  assert.equal(format.durationWords(580), '9 min 40 s');
  assert.equal(format.durationWords(38.2), '38 s');
  assert.equal(format.durationWords(120), '2 min');
  assert.equal(format.durationWords(7500), '2 h 5 min');
  assert.equal(format.about(370), 'about 6 min');
  assert.equal(format.about(4), 'a few seconds');
});

test('less than all is never written as 100 %', () => {
  assert.equal(format.percent(0.9999), '99 %');
  assert.equal(format.percent(1), '100 %');
  assert.equal(format.percent(0.714), '71 %');
});

test('sizes have at most one decimal', () => {
  assert.equal(format.size(0), '0 B');
  assert.equal(format.size(999), '999 B');
  assert.equal(format.size(340_000_000), '340 MB');
  assert.equal(format.size(1_900_000_000), '1.9 GB');
});

test('people are counted in words at the edges', () => {
  assert.equal(format.people(0), 'Nobody');
  assert.equal(format.people(1), '1 person');
  assert.equal(format.people(1234), '1,234 people');
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

test('what is no time is no instant', () => {
  assert.deepEqual(format.instantsAt('', '14:05', 'UTC'), []);
  assert.deepEqual(format.instantsAt('2026-11-21', '25:10', 'UTC'), []);
});
