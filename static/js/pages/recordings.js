// Recordings: the server renders the rows; this keeps them fresh and sends what its buttons ask for.

import { post } from '../lib/api.js';
import { readJson } from '../lib/dom.js';
import { keepFresh, wentOn } from '../lib/keep_fresh.js';
import { LiveSocket } from '../lib/live_socket.js';
import { refreshRegions } from '../lib/regions.js';
import { toast } from '../parts/toast.js';
import { Trouble } from '../parts/trouble.js';

const GAP_MS = 1000;
const RETRY_MS = 5000;
const DONE_WORDS = {
  cancel: (name) => `${name} is cancelled. Its numbers are taken out again.`,
  retry: (name) => `${name} is counted again.`,
  recount: (name) => `${name} is counted again with the zones of now. Its numbers change when that is through.`,
  'remove-video': (name) => `The video ${name} is removed. Its numbers stay.`,
};

const page = readJson('page-context');
const retry = () => {
  refresh();
  socket.connect();
};
const trouble = new Trouble({ zone: page.store.timezone, retry });
const refresh = keepFresh({
  work: () => refreshRegions(),
  gapMs: GAP_MS,
  retryMs: RETRY_MS,
  onFailed: () => trouble.failed(), // what is shown stays
  onFresh: () => trouble.fresh(),
});

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

const moved = wentOn(0);
const socket = new LiveSocket({
  path: page.socket,
  onState: (state, { code }) => trouble.heard(state, code),
  onMessage: (message) => {
    if (moved(message) || ['progress', 'resync', 'hello'].includes(message.type)) {
      refresh();
    }
  },
});
socket.connect();
