import assert from 'node:assert/strict';
import { afterEach, mock, test } from 'node:test';

import { ApiError, csrfToken, get, post, put } from '../../static/js/lib/api.js';

function answers(status, body) {
  const fetched = mock.fn(async () => new Response(body === null ? null : JSON.stringify(body), { status }));
  globalThis.fetch = fetched;
  return fetched;
}

afterEach(() => {
  delete globalThis.fetch;
  delete globalThis.document;
});

test('the token is found among other cookies and decoded', () => {
  assert.equal(csrfToken('theme=dark; csrftoken=a%2Fb; other=1'), 'a/b');
  assert.equal(csrfToken('xcsrftoken=1'), '');
  assert.equal(csrfToken('theme=dark; __Host-csrftoken=a%2Fb'), 'a/b');
});

test('what is not given is not asked', async () => {
  const fetched = answers(200, { n: 1 });
  assert.deepEqual(await get('/a/', { after: 0, limit: undefined, kind: null }), { n: 1 });
  assert.equal(fetched.mock.calls[0].arguments[0], '/a/?after=0');
});

test('a change carries its body and the token', async () => {
  globalThis.document = { cookie: 'csrftoken=abc' };
  const fetched = answers(204, null);
  assert.equal(await post('/b/', { x: 1 }), null);
  const { method, headers, body } = fetched.mock.calls[0].arguments[1];
  assert.equal(method, 'POST');
  assert.equal(headers['X-CSRFToken'], 'abc');
  assert.deepEqual(JSON.parse(body), { x: 1 });
  await put('/b/', []);
  assert.equal(fetched.mock.calls[1].arguments[1].method, 'PUT');
});

test('a refusal is an error in the words of the problem', async () => {
  answers(409, { detail: 'Somebody else saved.', code: 'map_changed' });
  await assert.rejects(get('/c/'), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.message, error.status, error.code], ['Somebody else saved.', 409, 'map_changed']);
    return true;
  });
});

test('an answer that is no problem of ours is told in plain words with a way out', async () => {
  const told = [[500, /broke on the server.*try again/], [502, /away for a moment/], [503, /away for a moment/], [413, /did not take this \(413\)/]];
  for (const [status, words] of told) {
    globalThis.fetch = async () => new Response('<html>', { status });
    await assert.rejects(get('/d/'), (error) => words.test(error.message) && error.status === status);
  }
});

test('no answer at all is an error in words too, not the browser’s', async () => {
  globalThis.fetch = async () => {
    throw new TypeError('Failed to fetch');
  };
  await assert.rejects(get('/e/'), (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 0);
    assert.match(error.message, /does not answer.*try again/);
    return true;
  });
});

test('an answer that is cut off midway is no answer', async () => {
  globalThis.fetch = async () => new Response('{"results": [', { status: 200 });
  await assert.rejects(get('/f/'), (error) => error instanceof ApiError && error.status === 0);
});
