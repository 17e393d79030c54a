// A page that the server renders stays fresh by taking over the server's newer rendering, region by
// region: `data-region` marks them. What a person opened or focused stays so.

import { $$ } from './dom.js';

// The server's own words for each region, without what a person opened since.
const shown = new WeakMap();

async function fetchPage(url) {
  const response = await fetch(url, { credentials: 'same-origin', headers: { Accept: 'text/html' } });
  if (!response.ok || response.redirected) {
    throw new Error(`The page answered ${response.status}.`);
  }
  return new DOMParser().parseFromString(await response.text(), 'text/html');
}

function keepOpen(old, fresh) {
  for (const details of $$('details[id]', old)) {
    const twin = fresh.querySelector(`#${CSS.escape(details.id)}`);
    if (twin) {
      twin.open = details.open;
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
      keepOpen(region, newer);
      region.replaceChildren(...document.adoptNode(newer).childNodes);
    }
  }
  if (focused && !document.activeElement?.id) {
    document.getElementById(focused)?.focus({ preventScroll: true });
  }
  return fresh;
}
