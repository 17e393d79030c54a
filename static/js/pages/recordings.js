// Recordings: the server renders the rows; this keeps them fresh and sends what its buttons ask for.

import { post } from '../lib/api.js';
import { coalesce } from '../lib/coalesce.js';
import { readJson } from '../lib/dom.js';
import { LiveSocket } from '../lib/live_socket.js';
import { refreshRegions } from '../lib/regions.js';
import { toast } from '../parts/toast.js';

const GAP_MS = 1000;
const DONE_WORDS = {
  cancel: (name) => `${name} is cancelled. Its numbers are taken out again.`,
  retry: (name) => `${name} is counted again.`,
  recount: (name) => `${name} is counted again with the zones of now. Its numbers change when that is through.`,
  'remove-video': (name) => `The video ${name} is removed. Its numbers stay.`,
};

const page = readJson('page-context');
const refresh = coalesce(() => refreshRegions().catch(() => null), GAP_MS);

async function act(button) {
  const { act: what, recording, name } = button.dataset;
  button.disabled = true;
  try {
    await post(`${page.root}recordings/${recording}/${what}/`);
    toast(DONE_WORDS[what](name));
  } catch (error) {
    toast(error.message);
    button.disabled = false;
  }
  refresh();
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-act]');
  if (!button) {
    return;
  }
  const { sure } = button.dataset;
  if (sure && button.textContent !== sure) {
    button.textContent = sure; // what cannot be undone takes a second press
    return;
  }
  act(button);
});

let seq = null;
const socket = new LiveSocket({
  path: page.socket,
  onState: () => {},
  onMessage: (message) => {
    const moved = message.seq !== undefined && seq !== null && message.seq > seq;
    seq = Math.max(seq ?? 0, message.seq ?? 0);
    if (moved || ['progress', 'resync', 'hello'].includes(message.type)) {
      refresh();
    }
  },
});
socket.connect();
