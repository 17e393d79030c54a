// Movement on the Dashboard: pictures and their tables, the heatmap, the visits behind a number.

import { $, $$, readJson, segment } from '../lib/dom.js';
import { refreshRegions } from '../lib/regions.js';
import { drawHeat } from './heat.js';
import { StepVisits } from './step_visits.js';

const NARROW = 560; // pixels: bands and their names do not fit, so the table comes first

function twins(name) {
  const show = (as) => {
    for (const view of $$(`[data-${name}-view]`)) {
      view.hidden = view.getAttribute(`data-${name}-view`) !== as;
    }
  };
  segment($(`[data-seg="${name}"]`), show);
}

function wire() {
  twins('next');
  twins('heat');
  drawHeat();
  if (innerWidth < NARROW) {
    $('[data-seg="next"] [data-value="table"]')?.click();
  }
}

/** Ask the server for the page with another choice, and take over what changed. */
async function choose(url) {
  history.replaceState(null, '', url);
  await refreshRegions(url);
  wire();
}

export function startMovement(page) {
  const told = readJson('movement-told');
  if (!told) {
    return;
  }
  const visits = new StepVisits({ page, span: told.span, names: new Map(told.names) });
  const root = $('[data-region="movement"]');
  root.addEventListener('click', (event) => {
    const step = event.target.closest('[data-from]');
    const link = event.target.closest('[data-heat-links] a');
    if (step) {
      visits.open(step.dataset.from, step.dataset.to);
    } else if (link) {
      event.preventDefault();
      choose(link.href).catch(() => location.assign(link.href));
    }
  });
  root.addEventListener('change', (event) => {
    if (event.target.id === 'heat-without') {
      const url = new URL(location.href);
      url.searchParams.delete('without');
      if (event.target.checked) {
        url.searchParams.set('without', 'staff');
      }
      choose(url.href).catch(() => location.assign(url));
    }
  });
  wire();
}
