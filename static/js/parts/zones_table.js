// The zones: now and today in the shop, beside the same zones in the recording on show.

import { eventsAddress } from '../lib/behind.js';
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

/** How many stays there were, as a link to them; a dash where nobody looked. */
function stays(numbers, href) {
  const known = numbers?.stays !== null && numbers?.stays !== undefined;
  return known ? el('a', { class: 'behind', href }, count(numbers.stays)) : count(null);
}

function row({ zone, store, recording }, { slug, day, recordingId }) {
  const stops = (of) => eventsAddress(slug, { of: 'stops', ...of, zone: zone.id });
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
    number(stays(store, stops({ from: day, to: day }))),
    number(duration(store?.median_dwell_s)),
    number(stays(recording, stops({ recording: recordingId })), true),
    number(duration(recording?.median_dwell_s)),
  );
}

export function showZones(snapshot, slug) {
  const rows = joinZones(snapshot.zones, snapshot.recording?.zones ?? []);
  const where = { slug, day: snapshot.business_day.date, recordingId: snapshot.recording?.id };
  $('[data-zones-table]').hidden = rows.length === 0;
  $('[data-zones-empty]').hidden = rows.length > 0;
  $('[data-zone-rows]').replaceChildren(...rows.map((each) => row(each, where)));
}
