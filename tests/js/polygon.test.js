import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as polygon from '../../static/js/lib/polygon.js';

const SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]];
const SIZE = { width: 960, height: 540 };
const code = (corners) => polygon.outlineProblem(corners)?.code ?? null;

test('which side a point is on is exact where floats round it away', () => {
  const [a, b] = [[0.1, 0.1], [0.3, 0.3]];
  assert.equal(polygon.turn(a, b, [0.2, 0.2]), 0);
  const bit = 2 ** -55;
  assert.equal(polygon.turn(a, b, [0.2, 0.2 + 2 * bit]), 1);
  assert.equal(polygon.turn(a, b, [0.2 + 2 * bit, 0.2]), -1);
  assert.equal(polygon.turn([0, 0], [5e-324, 0], [0, 5e-324]), 1);
});

test('an outline is refused for the reason there is', () => {
  const table = [
    [null, SQUARE],
    [null, [...SQUARE].reverse()],
    [null, [[0, 0], [1, 0], [0.5, 0.5], [1, 1], [0, 1]]],
    ['few', SQUARE.slice(0, 2)],
    ['many', Array.from({ length: 201 }, (_, n) => [n / 400, 0.5])],
    ['outside', [[0.1, 0.1], [1.1, 0.5], [0.5, 0.9]]],
    ['outside', [[0.1, 0.1], [Number.NaN, 0.5], [0.5, 0.9]]],
    ['same', [[0.1, 0.1], [0.9, 0.1], [0.1, 0.1], [0.5, 0.9]]],
    ['flat', [[0.25, 0.25], [0.5, 0.5], [0.75, 0.75]]],
    ['crossing', [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]],
    ['crossing', [[0, 0], [1, 0], [1, 1], [0.5, 0], [0, 1]]],
  ];
  for (const [wanted, corners] of table) {
    assert.equal(code(corners), wanted, JSON.stringify(corners).slice(0, 80));
  }
});

test('the sides that cross are named, and a touching corner counts as crossing', () => {
  assert.deepEqual(polygon.crossingSides([[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]), [0, 2]);
  assert.deepEqual(polygon.crossingSides([[0, 0], [1, 0], [1, 1], [0.5, 0], [0, 1]]), [0, 2]);
  assert.equal(polygon.crossingSides(SQUARE), null);
});

test('a line needs two ends at two places', () => {
  assert.equal(polygon.lineProblem([[0.1, 0.1], [0.2, 0.1]]), null);
  assert.equal(polygon.lineProblem([[0.1, 0.1], [0.1, 0.1]]).code, 'same');
  assert.equal(polygon.lineProblem([[0.1, 0.1], [0.1, -0.1]]).code, 'outside');
});

test('while drawing, a corner is refused where its side would cross or lie on another', () => {
  const drawn = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]];
  assert.equal(polygon.nextCornerProblem(drawn, [0.1, 0.9]), null);
  assert.match(polygon.nextCornerProblem(drawn, [0.5, 0.05]), /would cross/);
  assert.match(polygon.nextCornerProblem(drawn, [0.5, 0.1]), /would cross/);
  assert.match(polygon.nextCornerProblem(drawn, [0.9, 0.5]), /lie on/);
  assert.match(polygon.nextCornerProblem(drawn.slice(0, 2), [0.05, 0.1]), /lie on/);
  assert.equal(polygon.nextCornerProblem(drawn.slice(0, 2), [0.95, 0.1]), null);
  assert.match(polygon.nextCornerProblem(drawn, [0.1, 0.1]), /is a corner already/);
  const long = Array.from({ length: 200 }, (_, n) => [n / 400, (n % 2) / 4]);
  assert.match(polygon.nextCornerProblem(long, [0.9, 0.9]), /at most 200/);
});

test('editing makes new lists and leaves the old ones', () => {
  const before = JSON.stringify(SQUARE);
  assert.deepEqual(polygon.moveCorner(SQUARE, 1, [0.85, 0.2])[1], [0.85, 0.2]);
  assert.deepEqual(polygon.moveCorner(SQUARE, 1, [1.4, -0.2])[1], [1, 0]);
  assert.deepEqual(polygon.insertCorner(SQUARE, 3), [...SQUARE, [0.1, 0.5]]);
  assert.deepEqual(polygon.insertCorner(SQUARE, 0, [0.4, 0.05])[1], [0.4, 0.05]);
  assert.deepEqual(polygon.removeCorner(SQUARE, 0), SQUARE.slice(1));
  assert.equal(JSON.stringify(SQUARE), before);
});

test('a shape is moved as it is, no further than the edge', () => {
  assert.deepEqual(polygon.moveAll(SQUARE, [0.05, -0.05])[0], [0.15, 0.05]);
  assert.deepEqual(polygon.moveAll(SQUARE, [0.5, 0.5]), [[0.2, 0.2], [1, 0.2], [1, 1], [0.2, 1]]);
});

test('a point snaps to the nearest corner within reach, else to half per cents', () => {
  assert.deepEqual(polygon.snap([0.1034, 0.1], [[0.1, 0.1], [0.103, 0.1]], SIZE), [0.103, 0.1]);
  assert.deepEqual(polygon.snap([0.1034, 0.2022], [[0.9, 0.9]], SIZE), [0.105, 0.2]);
  assert.deepEqual(polygon.snap([0.999, -0.01], [], SIZE), [1, 0]);
});

test('positions are stored as whole hundredths of a per cent', () => {
  assert.deepEqual(polygon.tidy([0.123456, 1 / 3]), [0.1235, 0.3333]);
  assert.deepEqual(polygon.middle([0, 0], [0.3333, 1]), [0.1667, 0.5]);
});

test('the arrow of a line points to the inside', () => {
  const line = [[0.2, 0.5], [0.8, 0.5]];
  assert.deepEqual(polygon.arrow(line, 'right', SIZE, 20), { from: [480, 270], to: [480, 290], along: [-0, 1] });
  assert.deepEqual(polygon.arrow(line, 'left', SIZE, 20).to, [480, 250]);
});
