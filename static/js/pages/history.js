// History: the server renders the tables; this draws the bars and keeps both fresh.

import { eventsAddress } from '../lib/behind.js';
import { $, $$, readJson, segment } from '../lib/dom.js';
import { keepFresh, wentOn } from '../lib/keep_fresh.js';
import { LiveSocket } from '../lib/live_socket.js';
import { refreshRegions } from '../lib/regions.js';
import { hourChart } from '../parts/hour_chart.js';
import { Trouble } from '../parts/trouble.js';
import { verifiedPart } from '../parts/verified.js';

const GAP_MS = 2000;
const RETRY_MS = 10_000;

const page = readJson('page-context');
let hours = readJson('history-hours');

const host = $('[data-hours-chart]');
const shown = () => ({ hours, zone: page.store.timezone, than: page.than });
const open = ({ starts_at: at, ends_at: until }) => {
  location.assign(eventsAddress(page.store.slug, { of: 'entries', at, until }));
};
const chart = host && hours ? hourChart(host, shown, open) : null;

segment($('[data-seg="hours"]'), (as) => {
  for (const view of $$('[data-hours-view]')) {
    view.hidden = view.dataset.hoursView !== as;
  }
  chart?.draw();
});

const dayForm = $('[data-day-form]');
$('input', dayForm).addEventListener('change', (event) => {
  if (event.target.validity.valid) {
    dayForm.requestSubmit();
  }
});

const retry = () => {
  refresh();
  socket.connect();
};
const trouble = new Trouble({ zone: page.store.timezone, retry });
const refresh = keepFresh({
  work: async () => {
    const fresh = await refreshRegions();
    hours = JSON.parse(fresh.getElementById('history-hours').textContent);
    chart?.draw();
  },
  gapMs: GAP_MS,
  retryMs: RETRY_MS,
  onFailed: () => trouble.failed(), // what is shown stays
  onFresh: () => trouble.fresh(),
});

verifiedPart(page.api);

const moved = wentOn(page.seq);
const socket = new LiveSocket({
  path: page.socket,
  onState: (state, { code }) => trouble.heard(state, code),
  onMessage: (message) => {
    if (moved(message) || message.type === 'resync') {
      refresh();
    }
  },
});
socket.connect();
