// History: the server renders the tables; this draws the bars and keeps both fresh.

import { coalesce } from '../lib/coalesce.js';
import { $, $$, readJson, segment } from '../lib/dom.js';
import { LiveSocket } from '../lib/live_socket.js';
import { refreshRegions } from '../lib/regions.js';
import { hourChart } from '../parts/hour_chart.js';
import { verifiedPart } from '../parts/verified.js';

const GAP_MS = 2000;

const page = readJson('page-context');
let hours = readJson('history-hours');

const host = $('[data-hours-chart]');
const shown = () => ({ hours, zone: page.store.timezone, than: page.than });
const chart = host && hours ? hourChart(host, shown) : null;

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

const refresh = coalesce(async () => {
  try {
    const fresh = await refreshRegions();
    hours = JSON.parse(fresh.getElementById('history-hours').textContent);
    chart?.draw();
  } catch {
    // What is shown stays; the next hint asks again.
  }
}, GAP_MS);

verifiedPart(page.api);

let seq = null;
const socket = new LiveSocket({
  path: page.socket,
  onState: () => {},
  onMessage: (message) => {
    const moved = message.seq !== undefined && seq !== null && message.seq > seq;
    seq = Math.max(seq ?? 0, message.seq ?? 0);
    if (moved || message.type === 'resync') {
      refresh();
    }
  },
});
socket.connect();
