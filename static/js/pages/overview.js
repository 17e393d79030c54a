// Overview: the server renders every number; the shops' sockets say when to fetch them anew.

import { $, readJson, setText } from '../lib/dom.js';
import { clockSeconds } from '../lib/format.js';
import { keepFresh, wentOn } from '../lib/keep_fresh.js';
import { LiveSocket } from '../lib/live_socket.js';
import { refreshRegions } from '../lib/regions.js';
import { Connection } from '../parts/connection.js';
import { Trouble } from '../parts/trouble.js';

// All shops are added up for each answer, so it is asked for less often than on a shop's own page.
const GAP_MS = 3000;
const RETRY_MS = 10_000;
// "Now" changes with time alone; shops without a socket of their own are as old as this.
const QUIET_REFRESH_MS = 60_000;

const page = readJson('page-context');
const connection = new Connection(page.zone);
const states = new Map();
let lostAt = null;

/** While the line is lost the sentence stands in the past tense, and the numbers are grey. */
function showTense() {
  const now = $('[data-lead-now]');
  const past = $('[data-lead-past]');
  now.hidden = Boolean(lostAt);
  past.hidden = !lostAt;
  setText($('[data-past-at]'), lostAt ? clockSeconds(lostAt, page.zone) : '');
  $('[data-shops]').classList.toggle('stale', Boolean(lostAt));
}

const trouble = new Trouble({ zone: page.zone, retry: () => refresh() });
const refresh = keepFresh({
  work: () => refreshRegions(),
  gapMs: GAP_MS,
  retryMs: RETRY_MS,
  onFailed: () => trouble.failed(), // what is shown stays
  onFresh: () => {
    trouble.fresh();
    if (!lostAt) {
      connection.heard();
    }
    showTense();
  },
});

function together() {
  const all = [...states.values()];
  const worst = ['ended', 'lost', 'resting', 'connecting'].find((state) => all.includes(state));
  return worst ?? 'live';
}

function changed(path, state, { code } = {}) {
  if (state === 'ended') {
    trouble.ended(code);
  }
  states.set(path, state);
  const all = together();
  const wasLost = lostAt;
  connection.set(all);
  lostAt = all === 'lost' || all === 'ended' ? (lostAt ?? connection.heardAt) : null;
  showTense();
  if (wasLost && !lostAt) {
    refresh();
  }
}

function follow({ path, seq }) {
  const moved = wentOn(seq);
  states.set(path, 'connecting');
  const socket = new LiveSocket({
    path,
    onState: (state, detail) => changed(path, state, detail),
    onMessage: (message) => {
      if (!lostAt) {
        connection.heard();
      }
      if (moved(message) || message.type === 'resync' || message.type === 'progress') {
        refresh();
      }
    },
  });
  socket.connect();
}

page.sockets.forEach(follow);
setInterval(() => document.hidden || lostAt || refresh(), QUIET_REFRESH_MS);
