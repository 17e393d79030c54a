import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { coalesce } from '../../static/js/lib/coalesce.js';

function makeClock() {
  const waiting = [];
  let now = 0;
  return {
    performance: { now: () => now },
    setTimeout: (work, wait) => waiting.push({ work, at: now + wait }),
    async pass(ms) {
      now += ms;
      while (waiting.length && waiting[0].at <= now) {
        waiting.shift().work();
        await new Promise(setImmediate);
      }
    },
  };
}

test('a burst of calls is one run now and one run after the gap', async () => {
  const clock = makeClock();
  const work = mock.fn(async () => {});
  const call = coalesce(work, 500, clock);
  call();
  await clock.pass(0);
  assert.equal(work.mock.callCount(), 1);
  for (let one = 0; one < 20; one += 1) {
    call();
  }
  await clock.pass(499);
  assert.equal(work.mock.callCount(), 1);
  await clock.pass(1);
  assert.equal(work.mock.callCount(), 2);
  await clock.pass(5000);
  assert.equal(work.mock.callCount(), 2);
});

test('runs never overlap, and a call during a run is served by a later one', async () => {
  const clock = makeClock();
  let finish;
  const work = mock.fn(() => new Promise((resolve) => (finish = resolve)));
  const call = coalesce(work, 500, clock);
  call();
  await clock.pass(0);
  call();
  await clock.pass(2000);
  assert.equal(work.mock.callCount(), 1);
  finish();
  await clock.pass(0);
  await clock.pass(0);
  assert.equal(work.mock.callCount(), 2);
});

test('a failed run fails its callers and not the next run', async () => {
  const clock = makeClock();
  const answers = [() => Promise.reject(new Error('no')), () => Promise.resolve('yes')];
  const call = coalesce(() => answers.shift()(), 10, clock);
  const first = assert.rejects(call(), /no/);
  await clock.pass(0);
  await first;
  const second = call();
  await clock.pass(10);
  assert.equal(await second, 'yes');
});
