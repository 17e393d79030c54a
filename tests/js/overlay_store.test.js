import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { OverlayStore } from '../../static/js/lib/overlay_store.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

function made(answer = async (fromMs, toMs) => ({ fromMs, toMs })) {
  const fetchWindow = mock.fn(answer);
  return { store: new OverlayStore(fetchWindow), asked: () => fetchWindow.mock.calls.map((call) => call.arguments) };
}

test('a window is asked for once and is there afterwards', async () => {
  const { store, asked } = made();
  assert.equal(store.at(1000, 60_000), null);
  assert.equal(store.at(1100, 60_000), null);
  await settled();
  assert.deepEqual(store.at(1200, 60_000), { fromMs: 0, toMs: 10_000 });
  assert.deepEqual(asked(), [[0, 10_000]]);
});

test('the next window is asked for in time', async () => {
  const { store, asked } = made();
  store.at(6000, 60_000);
  await settled();
  assert.deepEqual(asked(), [[0, 10_000], [10_000, 20_000]]);
});

test('nothing is asked for past what is counted, and the rest when it is', async () => {
  const { store, asked } = made();
  store.at(2000, 3000);
  await settled();
  store.at(2000, 3000);
  store.at(2000, 9000);
  await settled();
  assert.deepEqual(asked(), [[0, 3000], [0, 9000]]);
});

test('what was counted again is asked for again and shown until it is there', async () => {
  const { store, asked } = made();
  store.at(1000, 10_000);
  await settled();
  store.forgetFrom(5000);
  assert.notEqual(store.at(1000, 10_000), null);
  await settled();
  assert.equal(asked().length, 2);
});

test('the oldest windows go', async () => {
  const { store } = made();
  for (let index = 0; index < 14; index += 1) {
    store.at(index * 10_000, 10_000_000);
    await settled();
  }
  assert.equal(store.windows.size, 12);
  assert.equal(store.windows.has(0), false);
});

test('a refusal is asked again, not sooner than a second', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { store, asked } = made(async () => Promise.reject(new Error('away')));
  store.at(1000, 10_000);
  await settled();
  store.at(1000, 10_000);
  assert.equal(asked().length, 1);
  context.mock.timers.tick(1000);
  await settled();
  store.at(1000, 10_000);
  assert.equal(asked().length, 2);
  context.mock.timers.tick(1000);
});

test('whether the last answer failed is known, until one does not', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let away = true;
  const { store } = made(async () => (away ? Promise.reject(new Error('away')) : {}));
  store.at(1000, 10_000);
  await settled();
  assert.equal(store.failing, true);
  away = false;
  context.mock.timers.tick(1000);
  await settled();
  store.at(1000, 10_000);
  await settled();
  assert.equal(store.failing, false);
});
