// The zones: now and today in the shop, beside the same zones in the recording on show.

import { $, el } from '../lib/dom.js';
import { about, count, duration } from '../lib/format.js';

/** Zones of both lists by id, in the store's order. */
export function joinZones(storeZones, recordingZones) {
  const rows = new Map(storeZones.map((zone) => [zone.id, { zone, store: zone, recording: null }]));
  for (const zone of recordingZones) {
    const known = rows.get(zone.id) ?? { zone, store: null, recording: null };
    rows.set(zone.id, { ...known, recording: zone });
  }
  return [...rows.values()];
}

function number(value, first = false) {
  return el('td', { class: `num value${first ? ' group' : ''}` }, value);
}

function row({ zone, store, recording }) {
  const name = el(
    'th',
    { scope: 'row' },
    el('span', { class: 'row-flex' }, el('span', { class: `sw z${zone.colour}` }), zone.name),
  );
  if (store?.wait_estimate_s > 0) {
    name.append(el('span', { class: 'faint xs' }, `wait, estimated: ${about(store.wait_estimate_s)}`));
  }
  return el(
    'tr',
    {},
    name,
    number(count(store?.now)),
    number(count(store?.stays)),
    number(duration(store?.median_dwell_s)),
    number(count(recording?.stays), true),
    number(duration(recording?.median_dwell_s)),
  );
}

export function showZones(snapshot) {
  const rows = joinZones(snapshot.zones, snapshot.recording?.zones ?? []);
  $('[data-zones-table]').hidden = rows.length === 0;
  $('[data-zones-empty]').hidden = rows.length > 0;
  $('[data-zone-rows]').replaceChildren(...rows.map(row));
}
