// A page that the server renders stays fresh by taking over the server's newer rendering, region by
// region: `data-region` marks them. What a person opened, focused or pressed once stays so.

import { reach } from './api.js';
import { $$ } from './dom.js';

// The server's own words for each region, without what a person opened since.
const shown = new WeakMap();

async function fetchPage(url) {
  const response = await reach(url, { credentials: 'same-origin', headers: { Accept: 'text/html' } });
  if (!response.ok || response.redirected) {
    throw new Error(`The page answered ${response.status}.`);
  }
  return new DOMParser().parseFromString(await response.text(), 'text/html');
}

function keepAsLeft(old, fresh) {
  for (const left of $$('details[id], button[id][data-sure]', old)) {
    const twin = fresh.querySelector(`#${CSS.escape(left.id)}`);
    if (twin?.tagName === 'DETAILS') {
      twin.open = left.open;
    } else if (twin && left.textContent === left.dataset.sure) {
      twin.textContent = twin.dataset.sure; // asked back already: the second press is not the first
    }
  }
}

/** Replace the regions by those of a newer rendering; returns that document. */
export async function refreshRegions(url = location.href) {
  const fresh = await fetchPage(url);
  const focused = document.activeElement?.id;
  for (const region of $$('[data-region]')) {
    const newer = fresh.querySelector(`[data-region="${region.dataset.region}"]`);
    // Nothing is touched that did not change, so nobody loses a selection or an open menu.
    const before = shown.get(region) ?? region.innerHTML;
    if (newer && newer.innerHTML !== before) {
      shown.set(region, newer.innerHTML);
      keepAsLeft(region, newer);
      region.replaceChildren(...document.adoptNode(newer).childNodes);
    }
  }
  if (focused && !document.activeElement?.id) {
    document.getElementById(focused)?.focus({ preventScroll: true });
  }
  return fresh;
}
