import assert from 'node:assert/strict';
import { test } from 'node:test';

import { paceOf, placeAt, spanOf } from '../../static/js/lib/ways.js';

// Two pieces with a gap of two seconds.
const PIECES = [
  [
    [1000, 0, 0],
    [2000, 0.4, 0.2],
  ],
  [
    [4000, 0.6, 0.2],
    [6000, 0.6, 0.6],
  ],
];

test('a way begins with its first piece and ends with its last', () => {
  assert.deepEqual(spanOf(PIECES), [1000, 6000]);
  assert.equal(spanOf([]), null);
});

test('between two points somebody is on the straight line, on a point exactly there', () => {
  assert.deepEqual(placeAt(PIECES, 1500), [0.2, 0.1]);
  assert.deepEqual(placeAt(PIECES, 2000), [0.4, 0.2]);
  assert.deepEqual(placeAt(PIECES, 5000), [0.6, 0.4]);
});

test('between two pieces, before and after, it is the end that is nearest in time', () => {
  assert.deepEqual(placeAt(PIECES, 2900), [0.4, 0.2]);
  assert.deepEqual(placeAt(PIECES, 3100), [0.6, 0.2]);
  assert.deepEqual(placeAt(PIECES, 0), [0, 0]);
  assert.deepEqual(placeAt(PIECES, 9000), [0.6, 0.6]);
  assert.equal(placeAt([], 9000), null);
});

test('a short way is walked at the pace of life, a long one within a quarter of a minute', () => {
  assert.equal(paceOf(9000), 1);
  assert.equal(paceOf(600_000), 40);
});
