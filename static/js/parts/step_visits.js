// The visits behind a step of the matrix or a band of the flow, in a dialog, page by page.

import { get } from '../lib/api.js';
import { visitAddress } from '../lib/behind.js';
import { $, el, setText } from '../lib/dom.js';
import { clock, day, durationWords } from '../lib/format.js';

export class StepVisits {
  constructor({ page, span, names }) {
    this.page = page;
    this.span = span;
    this.names = names;
    this.dialog = $('[data-step-dialog]');
    this.list = $('[data-step-visits]', this.dialog);
    this.more = $('[data-step-more]', this.dialog);
    this.note = $('[data-step-note]', this.dialog);
    $('[data-step-close]', this.dialog).addEventListener('click', () => this.dialog.close());
    this.more.addEventListener('click', () => (this.next ? this.#load(this.next) : this.again()));
  }

  /** Show the visits that went from one place straight to another. */
  open(from, to) {
    setText($('[data-step-title]', this.dialog), `${this.#name(from)} to ${this.#name(to)}`);
    this.list.replaceChildren();
    this.dialog.showModal();
    if (from === 'first_seen') {
      this.more.hidden = true;
      setText(this.note, 'Nobody saw these people come in, so there is no visit behind this number.');
      return;
    }
    this.#load(`${this.page.api}movement/visits/`, { ...this.span, from_zone: from, to_zone: to });
  }

  async #load(address, query) {
    setText(this.note, 'Looking…');
    this.more.hidden = true;
    try {
      const found = await get(address, query);
      this.list.append(...found.results.map((visit) => this.#row(visit)));
      this.next = found.next;
      this.more.hidden = !found.next;
      setText(this.more, 'Show more');
      setText(this.note, this.#summary());
    } catch (error) {
      this.next = null;
      this.again = () => this.#load(address, query);
      this.more.hidden = false;
      setText(this.more, 'Try again');
      setText(this.note, error.message);
    }
  }

  #summary() {
    const shown = this.list.childElementCount;
    if (!shown) {
      return this.next ? 'None among the newest; there may be older ones.' : 'No visit went this way.';
    }
    return `${shown} visit${shown === 1 ? '' : 's'}, newest first${this.next ? ', and there may be more' : ''}.`;
  }

  #row(visit) {
    const zone = this.page.store.timezone;
    const stays = [...visit.stays].sort((a, b) => a.entered_at.localeCompare(b.entered_at));
    const way = stays.map((stay) => `${this.#name(stay.zone)} ${durationWords(stay.dwell_s)}`).join(', then ');
    const length = visit.duration_s === null ? 'its end was not seen' : durationWords(visit.duration_s);
    return el(
      'li',
      {},
      el('a', { href: visitAddress(this.page.store.slug, visit.id) }, `${day(visit.entered_at, zone)}, ${clock(visit.entered_at, zone)}`),
      ` · ${length}`,
      el('span', { class: 'faint' }, way || 'stopped at no zone'),
    );
  }

  #name(key) {
    return this.names.get(key) ?? 'a zone that is not shown';
  }
}
