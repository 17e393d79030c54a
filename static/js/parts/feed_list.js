// "Just now": the newest events first, with a filter that survives every update.

import { $, $$, el, icon, segment, setText } from '../lib/dom.js';
import { clockSeconds, day, isoDay } from '../lib/format.js';
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
  constructor({ zone, kinds }) {
    this.zone = zone;
    this.kinds = new Set(kinds.split(','));
    this.list = $('[data-feed]');
    this.filter = 'all';
    this.events = [];
    segment($('[data-seg="feed"]'), (filter) => {
      this.filter = filter;
      this.#applyFilter();
    });
  }

  /** Show these events instead of what is there. */
  reset(events) {
    this.#show(events, new Set());
  }

  /** Put new events among those shown. */
  add(events) {
    const fresh = events.filter((event) => this.kinds.has(event.kind));
    this.#show([...fresh, ...this.events], new Set(fresh.map(({ id }) => id)));
  }

  #show(events, fresh) {
    this.events = newestFirst(events).slice(0, MOST);
    this.list.replaceChildren(...this.events.map((event) => this.#row(event, fresh.has(event.id))));
    this.#applyFilter();
  }

  #row(event, fresh) {
    const filter = eventFilter(event);
    const [what, more] = eventWords(event);
    const sign = filter === 'zone' ? el('span', { class: `sw z${event.zone.colour}` }) : icon(SIGNS[filter]);
    const text = el(
      'span',
      { class: 'grow ellipsis', title: more ? `${what} ${more}` : what },
      el('span', { class: 'strong' }, what),
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

  #applyFilter() {
    let shown = 0;
    for (const row of $$('li', this.list)) {
      row.hidden = this.filter !== 'all' && row.dataset.kind !== this.filter;
      shown += row.hidden ? 0 : 1;
    }
    $('[data-feed-empty]').hidden = shown > 0;
    setText($('[data-feed-empty-title]'), EMPTY[this.filter][0]);
    setText($('[data-feed-empty-text]'), EMPTY[this.filter][1]);
  }
}
