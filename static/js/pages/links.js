// Lost and found again: managers tell two people apart, or take them for one after all.

import { post, remove } from '../lib/api.js';
import { readJson } from '../lib/dom.js';
import { keepFresh, wentOn } from '../lib/keep_fresh.js';
import { LiveSocket } from '../lib/live_socket.js';
import { refreshRegions } from '../lib/regions.js';
import { toast } from '../parts/toast.js';
import { Trouble } from '../parts/trouble.js';

const GAP_MS = 1000;
const RETRY_MS = 5000;

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

async function ask(button, send, words) {
  button.disabled = true;
  try {
    await send();
    toast(words);
  } catch (error) {
    toast(error.message);
    button.disabled = false;
  }
  refresh();
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-undo], button[data-redo]');
  if (!button) {
    return;
  }
  const { undo, ended, began } = button.dataset;
  if (undo === undefined) {
    const times = { ended_at: ended, began_at: began };
    ask(button, () => post(`${page.links}undone/`, times), 'They may be one person again: the recording is counted again.');
  } else {
    ask(button, () => remove(`${page.links}${undo}/`), 'They are told apart: the recording is counted again.');
  }
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
