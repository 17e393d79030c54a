// The Live page: one snapshot makes every number, the socket says when to fetch the next one.

import { get } from '../lib/api.js';
import { $, readJson, say, setText } from '../lib/dom.js';
import { EventFeed } from '../lib/event_feed.js';
import { longDay } from '../lib/format.js';
import { keepFresh } from '../lib/keep_fresh.js';
import { later } from '../lib/later.js';
import { LiveSocket } from '../lib/live_socket.js';
import { liveSentence, staleSentence, whyChanged } from '../lib/words.js';
import { Connection } from '../parts/connection.js';
import { FeedList } from '../parts/feed_list.js';
import { FiveMinutes } from '../parts/five_minutes.js';
import { Jobs } from '../parts/jobs.js';
import { markStale, showNumbers } from '../parts/numbers.js';
import { Picture } from '../parts/picture.js';
import { toast } from '../parts/toast.js';
import { Trouble } from '../parts/trouble.js';
import { startUploads } from '../parts/uploads.js';
import { showZones } from '../parts/zones_table.js';

// The numbers are fetched at most twice a second, however much happens.
const SNAPSHOT_GAP_MS = 500;
const JOBS_GAP_MS = 1000;
// Buckets and "now" change with time alone, also when nobody moves.
const QUIET_REFRESH_MS = 60_000;
const RETRY_MS = 5000;
const PAGE_OF_EVENTS = 200;

const page = readJson('page-context');
const { api, root } = page;
const zone = page.store.timezone;
const isManager = page.role === 'manager';

let snapshot = readJson('live-snapshot');
const address = new URLSearchParams(location.search);
const asked = address.get('recording');
let wanted = asked && asked === snapshot?.recording?.id ? asked : null;
let lostAt = null;

const connection = new Connection(zone);
const feedList = new FeedList({ zone, kinds: page.feed_kinds, slug: page.store.slug });
const fiveMinutes = new FiveMinutes(zone, page.store.slug);
const picture = new Picture({
  root,
  zone,
  cameras: readJson('live-cameras') ?? [],
  canAdd: isManager,
  demoComes: page.demo_comes,
  startAtMs: startOf(address.get('at_ms')),
});

/** The moment of the recording that an event's page leads to. */
function startOf(told) {
  const atMs = Number(told);
  return asked && told && Number.isFinite(atMs) && atMs >= 0 ? atMs : null;
}

function showSentence() {
  const parts = lostAt ? staleSentence(snapshot, zone, lostAt) : liveSentence(snapshot, zone, isManager, page.demo_comes);
  say($('[data-lead]'), parts);
}

function show() {
  setText($('[data-today]'), longDay(snapshot.server_time, zone));
  showSentence();
  showNumbers(snapshot, page.store);
  showZones(snapshot, page.store.slug);
  fiveMinutes.show(snapshot);
  picture.show(snapshot.recording);
}

const trouble = new Trouble({ zone, retry: () => refreshSnapshot() });
const refreshSnapshot = keepFresh({
  work: loadSnapshot,
  gapMs: SNAPSHOT_GAP_MS,
  retryMs: RETRY_MS,
  onFailed: () => trouble.failed(),
  onFresh: () => trouble.fresh(),
});

async function loadSnapshot() {
  try {
    snapshot = await get(`${api}live/`, { recording: wanted });
  } catch (error) {
    if (error.status !== 404 || !wanted) {
      throw error;
    }
    wanted = null; // the recording is gone: show what there is
    snapshot = await get(`${api}live/`);
  }
  connection.heard();
  show();
}

const feedAgain = later(() => reloadFeed(), RETRY_MS);

async function reloadFeed() {
  try {
    feedList.reset(await get(`${api}events/`, { recent: page.feed_length, kind: page.feed_kinds }));
  } catch {
    feedAgain();
  }
}

/** A number may go down after a re-count: say why before someone wonders. */
function tellWhy(events) {
  const why = whyChanged(events);
  if (why) {
    toast(why);
    reloadFeed();
    picture.refresh(snapshot?.recording?.id, 0);
  }
}

const feed = new EventFeed({
  seq: readJson('live-recent')?.as_of_seq ?? snapshot?.as_of_seq ?? 0,
  fetchAfter: (after) => get(`${api}events/`, { after, limit: PAGE_OF_EVENTS }),
  apply: (events) => {
    feedList.add(events);
    tellWhy(events);
    refreshSnapshot();
  },
  skip: () => {
    reloadFeed();
    refreshSnapshot();
  },
});

async function follow(seq) {
  try {
    await feed.hint(seq);
    connection.heard();
  } catch {
    setTimeout(() => follow(seq), RETRY_MS);
  }
}

const jobs = isManager
  ? new Jobs({ api, root, gapMs: JOBS_GAP_MS, onChange: refreshSnapshot, onShow: showRecording })
  : null;

function showRecording(id) {
  wanted = id;
  const shown = new URL(location.href);
  shown.searchParams.set('recording', id);
  shown.searchParams.delete('at_ms');
  history.replaceState(null, '', shown);
  refreshSnapshot();
}

const HANDLERS = {
  hello: ({ seq }) => {
    follow(seq);
    refreshSnapshot();
    jobs?.refresh();
  },
  heartbeat: ({ seq }) => follow(seq),
  events: ({ seq }) => follow(seq),
  resync: () => {
    reloadFeed();
    refreshSnapshot();
  },
  progress: (message) => {
    jobs?.progress(message);
    refreshSnapshot();
  },
  picture: ({ recording, from_ms: fromMs }) => {
    picture.refresh(recording, fromMs);
    refreshSnapshot();
  },
};

function connectionChanged(state, { code } = {}) {
  connection.set(state);
  lostAt = state === 'lost' || state === 'ended' ? (lostAt ?? connection.heardAt) : null;
  picture.connectionLost(lostAt);
  markStale(Boolean(lostAt));
  if (snapshot) {
    showSentence();
  }
  if (state === 'ended') {
    trouble.ended(code);
  }
}

const socket = new LiveSocket({
  path: page.socket,
  onState: connectionChanged,
  onMessage: (message) => {
    connection.heard();
    HANDLERS[message.type]?.(message);
  },
});

if (snapshot) {
  show();
} else {
  refreshSnapshot();
}
feedList.reset(readJson('live-recent') ?? { results: [], as_of_seq: 0 });
if (isManager) {
  startUploads({ api, root, zone, onAdded: (recording) => jobs.added(recording) });
}
setInterval(() => document.hidden || lostAt || refreshSnapshot(), QUIET_REFRESH_MS);
socket.connect();
