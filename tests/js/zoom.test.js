import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FEWEST, between, closer, isWhole, moved, placesOf, whole } from '../../static/js/lib/zoom.js';

test('a drag chooses the bars it touched, from either side, and at least three', () => {
  assert.deepEqual(between(3.2, 8.4, 24), { from: 3, to: 8 });
  assert.deepEqual(between(8.4, 3.2, 24), { from: 3, to: 8 });
  assert.deepEqual(between(10, 10, 24), { from: 10, to: 12 });
  assert.deepEqual(between(23, 23, 24), { from: 21, to: 23 });
  assert.deepEqual(between(-4, 90, 24), { from: 0, to: 23 });
  assert.deepEqual(between(1, 1, 2), { from: 0, to: 1 });
});

test('closer halves what is shown and ends at three bars', () => {
  let part = whole(24);
  const sizes = [];
  for (let press = 0; press < 6; press += 1) {
    part = closer(part, 24);
    sizes.push(part.to - part.from + 1);
  }
  assert.deepEqual(sizes.slice(0, 2), [12, 6]);
  assert.ok(sizes.every((size) => size >= FEWEST));
  assert.deepEqual(closer(part, 24), part);
});

test('earlier and later keep the size and stop at the ends', () => {
  assert.deepEqual(moved({ from: 6, to: 11 }, 24, 1), { from: 9, to: 14 });
  assert.deepEqual(moved({ from: 6, to: 11 }, 24, -1), { from: 3, to: 8 });
  assert.deepEqual(moved({ from: 1, to: 6 }, 24, -1), { from: 0, to: 5 });
  assert.deepEqual(moved({ from: 18, to: 23 }, 24, 1), { from: 18, to: 23 });
});

test('what is kept are instants: bars that come later do not move the part', () => {
  const starts = [0, 5, 10, 15, 20, 25];
  const kept = { from: 5, to: 15 };
  assert.deepEqual(placesOf(kept, starts), { from: 1, to: 3 });
  assert.deepEqual(placesOf(kept, [5, 10, 15, 20, 25, 30]), { from: 0, to: 2 });
  assert.deepEqual(placesOf(kept, [40, 45, 50]), { from: 0, to: 2 });
  assert.ok(isWhole(placesOf(null, starts), starts.length));
  assert.deepEqual(placesOf(null, []), { from: 0, to: -1 });
});
