import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { later } from '../../static/js/lib/later.js';

test('many failures are one more try, and the next failure is another', () => {
  const waiting = [];
  const work = mock.fn();
  const again = later(work, 5000, { setTimeout: (run, wait) => waiting.push([run, wait]) });
  again();
  again();
  again();
  assert.deepEqual(waiting.map(([, wait]) => wait), [5000]);
  waiting.shift()[0]();
  assert.equal(work.mock.callCount(), 1);
  again();
  assert.equal(waiting.length, 1);
});
