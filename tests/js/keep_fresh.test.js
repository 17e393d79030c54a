import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { keepFresh, wentOn } from '../../static/js/lib/keep_fresh.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

function made(work) {
  const waiting = [];
  const heard = [];
  const timers = {
    performance: { now: () => 0 },
    setTimeout: (run, wait) => waiting.push({ run, wait }),
  };
  const refresh = keepFresh({
    work,
    gapMs: 500,
    retryMs: 10_000,
    onFailed: (error) => heard.push(error.message),
    onFresh: () => heard.push('fresh'),
    timers,
  });
  const next = async () => {
    const { run, wait } = waiting.shift();
    run();
    await settled();
    return wait;
  };
  return { refresh, heard, waiting, next };
}

test('what was fetched is told, and nothing more is asked for', async () => {
  const { refresh, heard, waiting, next } = made(async () => {});
  refresh();
  await next();
  assert.deepEqual(heard, ['fresh']);
  assert.equal(waiting.length, 0);
});

test('a failure is told and tried again by itself until it works', async () => {
  let answers = 0;
  const work = mock.fn(async () => {
    answers += 1;
    if (answers < 3) {
      throw new Error(`away ${answers}`);
    }
  });
  const { refresh, heard, waiting, next } = made(work);
  refresh();
  await next();
  for (let again = 0; again < 2; again += 1) {
    assert.equal(await next(), 10_000); // nobody asked for it
    await next();
  }
  assert.deepEqual(heard, ['away 1', 'away 2', 'fresh']);
  assert.equal(waiting.length, 0);
});

test('asked for while a try is due, it is fetched at once and the try changes nothing', async () => {
  const results = [Promise.reject(new Error('away')), Promise.resolve(), Promise.resolve()];
  results[0].catch(() => {});
  const { refresh, heard, waiting, next } = made(() => results.shift());
  refresh();
  await next();
  refresh();
  assert.deepEqual(waiting.map(({ wait }) => wait), [10_000, 500]);
  waiting.reverse();
  await next();
  assert.deepEqual(heard, ['away', 'fresh']);
});

test('a store went on where a message is beyond the page, whenever the page was made', () => {
  const moved = wentOn(7);
  assert.equal(moved({ type: 'hello', seq: 7 }), false);
  assert.equal(moved({ type: 'picture' }), false);
  assert.equal(moved({ type: 'hello', seq: 9 }), true); // told between the page and its line
  assert.equal(moved({ type: 'events', seq: 9 }), false);
  assert.equal(moved({ type: 'events', seq: 8 }), false);
  assert.equal(moved({ type: 'heartbeat', seq: 10 }), true);
});
