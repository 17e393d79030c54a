import assert from 'node:assert/strict';
import { test } from 'node:test';

import { oneStop, placeAfter } from '../../static/js/lib/roving.js';

test('arrows go to the next and the one before, and stop at the ends', () => {
  assert.equal(placeAfter('ArrowDown', 0, 3), 1);
  assert.equal(placeAfter('ArrowDown', 2, 3), 2);
  assert.equal(placeAfter('ArrowUp', 0, 3), 0);
  assert.equal(placeAfter('Home', 2, 3), 0);
  assert.equal(placeAfter('End', 0, 3), 2);
  assert.equal(placeAfter('Enter', 1, 3), null);
  assert.equal(placeAfter('ArrowDown', -1, 0), null);
});

test('Tab stops at one link alone, the one wanted or the first', () => {
  const links = [{ tabIndex: 0 }, { tabIndex: 0 }, { tabIndex: 0 }];
  assert.equal(oneStop(links, links[1]), links[1]);
  assert.deepEqual(links.map(({ tabIndex }) => tabIndex), [-1, 0, -1]);
  assert.equal(oneStop(links, null), links[0]);
  assert.deepEqual(links.map(({ tabIndex }) => tabIndex), [0, -1, -1]);
  assert.equal(oneStop([], null), undefined);
});
