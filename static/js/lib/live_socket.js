// The store's live connection: hints in, the state of the connection out. It rests while the tab is
// hidden, and comes back by itself with growing, jittered waits.

import { CLOSINGS, readMessage } from './live_protocol.js';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
// The server beats every 15 s: two beats missed and a bit is a dead connection.
const SILENCE_MS = 35_000;
// A quick look at another tab keeps the connection.
const REST_AFTER_MS = 10_000;

// Trying again changes nothing about these.
const FINAL = [CLOSINGS.LOGGED_OUT, CLOSINGS.NOT_A_MEMBER];

export function waitBefore(attempt, random = Math.random) {
  const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  return most * (0.5 + random() / 2);
}

/**
 * Connect and stay connected.
 *
 * @param {object} options
 * @param {string} options.path such as /ws/stores/<id>/
 * @param {(message: object) => void} options.onMessage every message of the server
 * @param {(state: string, detail: object) => void} options.onState live, lost (with `retryAt`, ms),
 *   resting, ended (with `code`)
 * @param {object} [options.world] timers, WebSocket and document; tests bring their own
 */
export class LiveSocket {
  constructor({ path, onMessage, onState, world = globalThis }) {
    this.path = path;
    this.onMessage = onMessage;
    this.onState = onState;
    this.world = world;
    this.socket = null;
    this.attempt = 0;
    this.timers = { retry: null, silence: null, rest: null };
    this.ended = false;
    this.onVisibility = () => this.#visibilityChanged();
    world.document.addEventListener('visibilitychange', this.onVisibility);
  }

  connect() {
    this.#stopTimer('retry');
    if (this.socket || this.ended) {
      return;
    }
    const { protocol, host } = this.world.location;
    const scheme = protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new this.world.WebSocket(`${scheme}//${host}${this.path}`);
    this.socket = socket;
    this.#listenForSilence();
    socket.addEventListener('message', (event) => this.#received(socket, event));
    socket.addEventListener('close', (event) => this.#closed(socket, event.code));
  }

  #received(socket, event) {
    if (socket !== this.socket) {
      return;
    }
    this.#listenForSilence();
    const message = readMessage(event.data);
    if (!message) {
      return;
    }
    if (message.type === 'hello') {
      this.attempt = 0;
      this.onState('live', {});
    } else if (message.type === 'away') {
      // The server itself has lost the line that hints come by; it says when it is back.
      this.onState('lost', {});
    } else if (message.type === 'resync') {
      this.onState('live', {});
    }
    this.onMessage(message);
  }

  #closed(socket, code) {
    if (socket !== this.socket) {
      return;
    }
    this.socket = null;
    this.#stopTimer('silence');
    if (FINAL.includes(code)) {
      this.ended = true;
      this.onState('ended', { code });
      return;
    }
    const wait = waitBefore(this.attempt);
    this.attempt += 1;
    this.#startTimer('retry', wait, () => this.connect());
    this.onState('lost', { retryAt: this.world.Date.now() + wait });
  }

  #listenForSilence() {
    this.#startTimer('silence', SILENCE_MS, () => this.#drop(true));
  }

  /** Let go of the socket now; a dead one may take minutes to say that it is closed. */
  #drop(retry) {
    const socket = this.socket;
    if (!socket) {
      return;
    }
    socket.close();
    if (retry) {
      this.#closed(socket, 0);
    } else {
      this.socket = null;
      this.#stopTimer('silence');
    }
  }

  #visibilityChanged() {
    if (this.world.document.hidden) {
      this.#startTimer('rest', REST_AFTER_MS, () => {
        this.#stopTimer('retry');
        this.#drop(false);
        this.onState('resting', {});
      });
      return;
    }
    this.#stopTimer('rest');
    this.attempt = 0;
    this.connect();
  }

  #startTimer(name, wait, work) {
    this.#stopTimer(name);
    this.timers[name] = this.world.setTimeout(work, wait);
  }

  #stopTimer(name) {
    if (this.timers[name] !== null) {
      this.world.clearTimeout(this.timers[name]);
      this.timers[name] = null;
    }
  }

  close() {
    this.ended = true;
    this.world.document.removeEventListener('visibilitychange', this.onVisibility);
    Object.keys(this.timers).forEach((name) => this.#stopTimer(name));
    this.#drop(false);
  }
}
