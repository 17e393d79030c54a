import assert from 'node:assert/strict';
import { test } from 'node:test';

import { LiveSocket, waitBefore } from '../../static/js/lib/live_socket.js';
import { problemWith } from './live_schema.js';

/** A browser whose clock stands still until it is told to move. */
function makeWorld() {
  const timers = new Map();
  const sockets = [];
  let now = 0;
  let nextId = 1;

  class FakeSocket extends EventTarget {
    constructor(url) {
      super();
      this.url = url;
      this.closed = false;
      sockets.push(this);
    }

    close() {
      this.closed = true;
    }

    say(message) {
      assert.equal(problemWith('server', message), null, 'no server of ours says this');
      this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(message) }));
    }

    end(code) {
      this.dispatchEvent(Object.assign(new Event('close'), { code }));
    }
  }

  const document = Object.assign(new EventTarget(), { hidden: false });
  return {
    WebSocket: FakeSocket,
    document,
    location: { protocol: 'https:', host: 'shop.example' },
    Date: { now: () => now },
    sockets,
    setTimeout(work, wait) {
      timers.set(nextId, { work, at: now + wait });
      nextId += 1;
      return nextId - 1;
    },
    clearTimeout: (id) => timers.delete(id),
    pass(ms) {
      now += ms;
      for (const [id, timer] of [...timers].sort((a, b) => a[1].at - b[1].at)) {
        if (timer.at <= now && timers.delete(id)) {
          timer.work();
        }
      }
    },
    look(hidden) {
      document.hidden = hidden;
      document.dispatchEvent(new Event('visibilitychange'));
    },
  };
}

function makeSocket() {
  const world = makeWorld();
  const states = [];
  const messages = [];
  const socket = new LiveSocket({
    path: '/ws/stores/1/',
    onState: (state) => states.push(state),
    onMessage: (message) => messages.push(message),
    world,
  });
  socket.connect();
  return { world, states, messages, socket };
}

test('it connects to its own host, and is live when the server says hello', () => {
  const { world, states, messages } = makeSocket();
  assert.equal(world.sockets[0].url, 'wss://shop.example/ws/stores/1/');
  assert.deepEqual(states, []);
  world.sockets[0].say({ type: 'hello', seq: 4 });
  assert.deepEqual(states, ['live']);
  assert.deepEqual(messages, [{ type: 'hello', seq: 4 }]);
});

test('a server that lost its own line says so, and says when it is back', () => {
  const { world, states } = makeSocket();
  world.sockets[0].say({ type: 'hello', seq: 4 });
  world.sockets[0].say({ type: 'away' });
  assert.deepEqual(states, ['live', 'lost']);
  world.sockets[0].say({ type: 'heartbeat', seq: 5 });
  assert.deepEqual(states, ['live', 'lost'], 'a heartbeat brings no hints back');
  world.sockets[0].say({ type: 'resync' });
  assert.deepEqual(states, ['live', 'lost', 'live']);
  assert.equal(world.sockets.length, 1, 'the socket itself was never lost');
});

test('a lost connection is taken up again after a growing wait', () => {
  const { world, states } = makeSocket();
  for (let attempt = 0; attempt < 4; attempt += 1) {
    world.sockets.at(-1).end(1006);
    world.pass(waitBefore(attempt, () => 0) - 1);
    assert.equal(world.sockets.length, attempt + 1, 'it came too early');
    world.pass(30_000);
    assert.equal(world.sockets.length, attempt + 2, 'it did not come');
  }
  assert.deepEqual(states, ['lost', 'lost', 'lost', 'lost']);
});

test('waits are jittered, grow, and never pass half a minute', () => {
  assert.equal(waitBefore(0, () => 0), 250);
  assert.equal(waitBefore(0, () => 1), 500);
  assert.equal(waitBefore(3, () => 1), 4000);
  assert.equal(waitBefore(40, () => 1), 30_000);
});

test('a hello starts the waits over again', () => {
  const { world, socket } = makeSocket();
  world.sockets[0].end(1006);
  world.pass(500);
  world.sockets[1].say({ type: 'hello', seq: 1 });
  assert.equal(socket.attempt, 0);
});

test('a connection that falls silent counts as lost before the browser notices', () => {
  const { world, states } = makeSocket();
  world.sockets[0].say({ type: 'hello', seq: 1 });
  world.pass(30_000);
  world.sockets[0].say({ type: 'heartbeat', seq: 1 });
  world.pass(30_000);
  assert.deepEqual(states, ['live']);
  world.pass(10_000);
  assert.deepEqual(states, ['live', 'lost']);
  assert.equal(world.sockets[0].closed, true);
});

test('what a dropped socket still says is not heard', () => {
  const { world, messages } = makeSocket();
  world.pass(40_000);
  world.pass(1000);
  world.sockets[0].say({ type: 'events', seq: 9 });
  assert.deepEqual(messages, []);
});

test('it rests while the tab is hidden and comes back at once when it is seen', () => {
  const { world, states } = makeSocket();
  world.sockets[0].say({ type: 'hello', seq: 1 });
  world.look(true);
  world.pass(9000);
  assert.equal(world.sockets[0].closed, false, 'a quick look elsewhere costs nothing');
  world.pass(2000);
  assert.equal(world.sockets[0].closed, true);
  world.pass(600_000);
  assert.equal(world.sockets.length, 1, 'it must not reconnect in the dark');
  world.look(false);
  assert.equal(world.sockets.length, 2);
  assert.deepEqual(states, ['live', 'resting']);
});

test('a tab that is hidden while the connection is lost does not go on trying', () => {
  const { world } = makeSocket();
  for (let attempt = 0; attempt < 8; attempt += 1) {
    world.sockets.at(-1).end(1006); // by now the waits are longer than the ten seconds to rest
    world.pass(attempt < 7 ? 30_000 : 0);
  }
  const before = world.sockets.length;
  world.look(true);
  world.pass(600_000);
  assert.equal(world.sockets.length, before, 'it tried again in the dark');
});

test('who is logged out or no member is not asked again and again', () => {
  for (const code of [4401, 4403]) {
    const { world, states } = makeSocket();
    world.sockets[0].end(code);
    world.pass(600_000);
    assert.equal(world.sockets.length, 1);
    assert.deepEqual(states, ['ended']);
  }
});

test('who was too slow may come back', () => {
  const { world, states } = makeSocket();
  world.sockets[0].end(4408);
  world.pass(600);
  assert.equal(world.sockets.length, 2);
  assert.deepEqual(states, ['lost']);
});

test('what it does not know or is not whole is left alone, and the connection counts as alive', () => {
  const { world, states, messages } = makeSocket();
  world.sockets[0].say({ type: 'hello', seq: 1 });
  for (const data of ['', '{', '7', 'null', '[]', '{"type":"later"}', '{"type":"events"}', '{"type":"toString"}']) {
    world.pass(30_000);
    world.sockets[0].dispatchEvent(Object.assign(new Event('message'), { data }));
  }
  assert.deepEqual(messages, [{ type: 'hello', seq: 1 }]);
  assert.deepEqual(states, ['live']);
});
