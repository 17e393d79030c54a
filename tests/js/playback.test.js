import assert from 'node:assert/strict';
import { test } from 'node:test';

import { lastAt, nearest, Playback, trailUntil } from '../../static/js/lib/playback.js';

test('a recording plays at its own pace', () => {
  const playback = new Playback();
  playback.extent(60_000, false);
  assert.equal(playback.tick(1000), 0);
  assert.equal(playback.tick(1100), 100);
  assert.equal(playback.tick(3100), 2100);
});

test('while more is coming it waits at the end, then goes on', () => {
  const playback = new Playback();
  playback.extent(1000, true);
  playback.tick(0);
  assert.equal(playback.tick(5000), 1000);
  assert.equal(playback.waiting, true);
  playback.extent(9000, true);
  assert.equal(playback.tick(5500), 1500);
  assert.equal(playback.waiting, false);
});

test('a counted recording starts again at its end', () => {
  const playback = new Playback();
  playback.extent(1000, false);
  playback.tick(0);
  assert.equal(playback.tick(1200), 0);
});

test('a paused picture stands still and can be moved by hand', () => {
  const playback = new Playback();
  playback.extent(10_000, false);
  playback.paused = true;
  playback.tick(0);
  assert.equal(playback.tick(5000), 0);
  playback.seek(70_000);
  assert.equal(playback.tick(5100), 10_000);
  playback.seek(-5);
  assert.equal(playback.atMs, 0);
});

const items = [0, 250, 500, 1000].map((time_ms) => ({ time_ms }));

test('the picture shown is never from the future', () => {
  assert.equal(lastAt(items, 499).time_ms, 250);
  assert.equal(lastAt(items, 500).time_ms, 500);
  assert.equal(lastAt(items, -1), null);
  assert.equal(lastAt([], 5), null);
});

test('boxes come from the nearest moment, and from none when none is near', () => {
  assert.equal(nearest(items, 400, 200).time_ms, 500);
  assert.equal(nearest(items, 300, 200).time_ms, 250);
  assert.equal(nearest(items, 5000, 600), null);
  assert.equal(nearest(items, -100, 200).time_ms, 0);
});

test('a trail shows the last seconds only', () => {
  const points = [
    [0, 0.1, 0.1],
    [3000, 0.2, 0.2],
    [7000, 0.3, 0.3],
    [9000, 0.4, 0.4],
  ];
  assert.deepEqual(
    trailUntil(points, 8000, 6000).map(([time]) => time),
    [3000, 7000],
  );
});
