// "Just now": the newest events first, with a filter that survives every update.

import { eventAddress } from '../lib/behind.js';
import { $, $$, el, icon, segment, setText } from '../lib/dom.js';
import { joined, replaced } from '../lib/event_feed.js';
import { clockSeconds, day, isoDay } from '../lib/format.js';
import { oneStop, placeAfter } from '../lib/roving.js';
import { eventFilter, eventWords, newestFirst } from '../lib/words.js';

const MOST = 50;
const SIGNS = { in: 'arrow-down-left', out: 'arrow-up-right', other: 'info-circle' };
const EMPTY = {
  all: ['Nothing yet', 'Every person who comes in or goes out appears here as it is counted.'],
  in: ['Nobody came in yet', 'Or it was longer ago than this list goes back.'],
  out: ['Nobody went out yet', 'Or it was longer ago than this list goes back.'],
  zone: ['Nobody stopped at a zone yet', 'Or it was longer ago than this list goes back.'],
};

export class FeedList {
  constructor({ zone, kinds, slug }) {
    this.zone = zone;
    this.slug = slug;
    this.kinds = new Set(kinds.split(','));
    this.list = $('[data-feed]');
    this.filter = 'all';
    this.events = [];
    segment($('[data-seg="feed"]'), (filter) => {
      this.filter = filter;
      this.#applyFilter();
    });
    this.list.removeAttribute('tabindex'); // a link in it takes the focus instead
    this.list.addEventListener('keydown', (event) => this.#walk(event));
    this.list.addEventListener('focusin', ({ target }) => oneStop(this.#links(), target));
    this.#applyFilter();
  }

  /** Show the events up to a place instead of what is there; later ones stay. */
  reset({ results, as_of_seq: asOf }) {
    this.#show(replaced(this.events, results, asOf), new Set());
  }

  /** Put new events among those shown. */
  add(events) {
    const fresh = events.filter((event) => this.kinds.has(event.kind));
    this.#show(joined(fresh, this.events), new Set(fresh.map(({ id }) => id)));
  }

  #show(events, fresh) {
    this.events = newestFirst(events).slice(0, MOST);
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.event : null;
    this.list.replaceChildren(...this.events.map((event) => this.#row(event, fresh.has(event.id))));
    this.#applyFilter();
    // Whoever stands at an event stays there when others come in above it.
    this.#links().find(({ dataset }) => dataset.event === focused)?.focus({ preventScroll: true });
  }

  #row(event, fresh) {
    const filter = eventFilter(event);
    const [what, more] = eventWords(event);
    const sign = filter === 'zone' ? el('span', { class: `sw z${event.zone.colour}` }) : icon(SIGNS[filter]);
    const text = el(
      'span',
      { class: 'grow ellipsis', title: more ? `${what} ${more}` : what },
      el('a', { class: 'strong behind', href: eventAddress(this.slug, event.id), 'data-event': event.id }, what),
    );
    if (more) {
      text.append(' ', el('span', { class: 'muted' }, more));
    }
    return el(
      'li',
      { 'data-kind': filter, class: fresh ? 'fresh' : null },
      el('span', { class: `evi ${filter}` }, sign),
      text,
      this.#time(event.at),
    );
  }

  #time(at) {
    const today = isoDay(at, this.zone) === isoDay(Date.now(), this.zone);
    const label = today ? clockSeconds(at, this.zone) : `${day(at, this.zone)} ${clockSeconds(at, this.zone)}`;
    return el('time', { class: 'faint', datetime: at, title: label }, clockSeconds(at, this.zone));
  }

  #links() {
    return $$('li:not([hidden]) a', this.list);
  }

  #walk(event) {
    const links = this.#links();
    const place = placeAfter(event.key, links.indexOf(document.activeElement), links.length);
    if (place !== null) {
      event.preventDefault();
      links[place].focus();
    }
  }

  #applyFilter() {
    let shown = 0;
    for (const row of $$('li', this.list)) {
      row.hidden = this.filter !== 'all' && row.dataset.kind !== this.filter;
      shown += row.hidden ? 0 : 1;
    }
    oneStop(this.#links(), document.activeElement);
    $('[data-feed-empty]').hidden = shown > 0;
    setText($('[data-feed-empty-title]'), EMPTY[this.filter][0]);
    setText($('[data-feed-empty-text]'), EMPTY[this.filter][1]);
  }
}
