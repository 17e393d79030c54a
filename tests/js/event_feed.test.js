import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EventFeed, joined, replaced } from '../../static/js/lib/event_feed.js';

/** A store with `last` events, and a reader of it that remembers what it applied. */
function makeReader({ seq = 0, last = 0, pageSize = 200, longest = 1000, missing = [] } = {}) {
  const store = { last };
  const applied = [];
  const skipped = [];
  const asked = [];
  const fetchAfter = async (after) => {
    asked.push(after);
    const all = [];
    for (let one = after + 1; one <= store.last; one += 1) {
      if (!missing.includes(one)) {
        all.push({ seq: one });
      }
    }
    const results = all.slice(0, pageSize);
    return { results, more: all.length > pageSize, as_of_seq: store.last };
  };
  const apply = (events) => applied.push(...events.map((event) => event.seq));
  const skip = (to) => skipped.push(to);
  const feed = new EventFeed({ seq, fetchAfter, apply, skip, longest });
  return { feed, store, applied, skipped, asked };
}

test('a hint fetches what follows the last applied event, in order', async () => {
  const { feed, applied, asked } = makeReader({ seq: 3, last: 6 });
  await feed.hint(6);
  assert.deepEqual(applied, [4, 5, 6]);
  assert.deepEqual(asked, [3]);
});

test('a doubled or late hint changes nothing and asks nothing', async () => {
  const { feed, applied, asked } = makeReader({ seq: 3, last: 6 });
  await feed.hint(6);
  assert.equal(feed.hint(6), null);
  assert.equal(feed.hint(4), null);
  assert.deepEqual(applied, [4, 5, 6]);
  assert.equal(asked.length, 1);
});

test('a lost hint is made good by the next one, whatever it skips', async () => {
  const { feed, store, applied } = makeReader({ seq: 0, last: 2 });
  await feed.hint(2);
  store.last = 9;
  await feed.hint(9); // 3 to 8 were never announced
  assert.deepEqual(applied, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('hints that come while it fetches start no second fetch, and are followed', async () => {
  const { feed, store, applied, asked } = makeReader({ seq: 0, last: 2 });
  const first = feed.hint(2);
  store.last = 5;
  const second = feed.hint(5);
  assert.equal(first, second);
  await second;
  assert.deepEqual(applied, [1, 2, 3, 4, 5]);
  assert.deepEqual(asked, [...new Set(asked)]);
});

test('an event that the server tells twice is applied once', async () => {
  const { feed, applied } = makeReader({ seq: 2 });
  feed.fetchAfter = async () => ({ results: [{ seq: 3 }, { seq: 2 }], more: false, as_of_seq: 3 });
  await feed.hint(3);
  assert.deepEqual(applied, [3]);
});

test('many missed events come page by page', async () => {
  const { feed, applied, asked } = makeReader({ last: 450, pageSize: 200 });
  await feed.hint(450);
  assert.equal(applied.length, 450);
  assert.deepEqual(asked, [0, 200, 400]);
});

test('a reader left far behind skips to the end instead of replaying a day', async () => {
  const { feed, applied, skipped } = makeReader({ last: 5000, longest: 1000 });
  await feed.hint(5000);
  assert.deepEqual(applied, []);
  assert.deepEqual(skipped, [5000]);
  assert.equal(feed.applied, 5000);
});

test('events that are gone leave no reader waiting for them', async () => {
  const { feed, applied } = makeReader({ last: 5, missing: [2, 5] });
  await feed.hint(5);
  assert.deepEqual(applied, [1, 3, 4]);
  assert.equal(feed.hint(5), null);
});

test('a failed fetch leaves the reader where it was, and the next hint goes on from there', async () => {
  const { feed, applied } = makeReader({ seq: 0, last: 3 });
  const real = feed.fetchAfter;
  feed.fetchAfter = async () => {
    throw new Error('no network');
  };
  await assert.rejects(feed.hint(3), /no network/);
  feed.fetchAfter = real;
  await feed.hint(3);
  assert.deepEqual(applied, [1, 2, 3]);
});

test('an event told by two answers is there once', () => {
  const known = [{ id: 'b', seq: 2 }, { id: 'a', seq: 1 }];
  assert.deepEqual(joined([{ id: 'c', seq: 3 }, { id: 'b', seq: 2 }], known).map(({ id }) => id), ['c', 'b', 'a']);
});

test('what came while a whole list was on its way stays beside it', () => {
  const known = [{ id: 'd', seq: 4 }, { id: 'b', seq: 2 }];
  const results = [{ id: 'c', seq: 3 }, { id: 'a', seq: 1 }];
  assert.deepEqual(replaced(known, results, 3).map(({ id }) => id), ['d', 'c', 'a']);
});
