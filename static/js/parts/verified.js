// Whether the page's numbers equal their events: a manager asks for it, or has a day put right.

import { post } from '../lib/api.js';
import { $ } from '../lib/dom.js';
import { refreshRegions } from '../lib/regions.js';
import { toast } from './toast.js';

const ASK_AGAIN_MS = 2000;

/** Hear the buttons of the region `verified`; `api` is the store's address. */
export function verifiedPart(api, timers = globalThis) {
  const region = $('[data-region="verified"]');
  let waiting = null;
  let unseen = false; // what was asked for is not on the page yet

  async function refresh() {
    waiting = null;
    try {
      await refreshRegions();
      unseen = false;
    } catch {
      unseen = true; // what is shown stays until the next try
    }
    follow();
  }

  function follow() {
    if ((unseen || $('[data-verifying]', region)) && waiting === null) {
      waiting = timers.setTimeout(refresh, ASK_AGAIN_MS);
    }
  }

  async function press(button, url, body) {
    button.disabled = true;
    try {
      await post(url, body);
      await refresh();
    } catch (error) {
      toast(error.message);
    }
    button.disabled = false;
  }

  region?.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (button?.dataset.putRight) {
      press(button, `${api}verifications/put-right/`, { day: button.dataset.putRight });
    } else if (button && 'verify' in button.dataset) {
      press(button, `${api}verifications/`, { from: button.dataset.from, to: button.dataset.to });
    }
  });
  if (region) {
    follow();
  }
}
