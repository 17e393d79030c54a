// Where the events behind a number are listed. Pure.

/** The address of the list of a store's events; `asked` as `analytics/evidence_page.py` reads it. */
export function eventsAddress(slug, asked) {
  return `/stores/${slug}/events/?${new URLSearchParams(asked)}`;
}

/** The address of one event's page. */
export function eventAddress(slug, id) {
  return `/stores/${slug}/events/${id}/`;
}

/** The address of the visits of a recording, or of some days. */
export function visitsAddress(slug, asked) {
  return `/stores/${slug}/clients/?${new URLSearchParams(asked)}`;
}

/** The address of one visit's page. */
export function visitAddress(slug, id) {
  return `/stores/${slug}/visits/${id}/`;
}

/** An address of a page that opens with its table, or with its chart, which needs no word. */
export function withView(address, as) {
  const url = new URL(address);
  if (as === 'table') {
    url.searchParams.set('as', as);
  } else {
    url.searchParams.delete('as');
  }
  return url.href;
}
