// The bars of the Dashboard's period: a chart and, with the same numbers, a table.

import { eventsAddress, withView } from '../lib/behind.js';
import { $, $$, press, readJson, segment } from '../lib/dom.js';
import { hourChart } from './hour_chart.js';

/** `store` has its slug and time zone; a bar that is pressed opens the events behind it. */
export function startBars({ slug, timezone: zone }) {
  const host = $('[data-bars-chart]');
  const bars = readJson('bars');
  if (!host || !bars) {
    return;
  }
  const shown = { hours: bars.rows, zone, than: bars.than, marks: bars.marks, days: !bars.by_hour };
  const open = ({ starts_at: at, ends_at: until }) => {
    location.assign(eventsAddress(slug, { of: 'entries', at, until }));
  };
  const chart = hourChart(host, () => shown, open);
  const showAs = (as) => {
    for (const view of $$('[data-bars-view]')) {
      view.hidden = view.dataset.barsView !== as;
    }
    chart.draw();
  };
  segment($('[data-seg="bars"]'), (as) => {
    history.replaceState(null, '', withView(location.href, as));
    for (const link of $$('[data-bars-by] a')) {
      link.href = withView(link.href, as);
    }
    showAs(as);
  });
  if (new URL(location.href).searchParams.get('as') === 'table') {
    press($('[data-seg="bars"]'), 'table');
    showAs('table');
  }
}
