// Below a page's heading: what is shown is not of now, why, and the way out. Pages whose numbers
// come anew by themselves have one.

import { $, button, el, icon } from '../lib/dom.js';
import { CLOSINGS } from '../lib/live_protocol.js';
import { troubleWords } from '../lib/words.js';

const SIGNS = { failing: 'clock-pause', lost: 'plug-connected-x', ended: 'plug-connected-x' };

export class Trouble {
  /**
   * @param {object} options
   * @param {string} options.zone in which times are told
   * @param {() => void} options.retry tries at once what is tried again by itself
   */
  constructor({ zone, retry }) {
    this.zone = zone;
    this.retry = retry;
    this.freshAt = Date.now();
    this.is = { ended: null, failing: false, lost: false };
    this.shown = '';
    // There from the start: what is put into it later is read out.
    this.place = el('div', { class: 'trouble', role: 'status' });
    $('.ot-head').after(this.place);
  }

  /** What is shown was fetched just now. */
  fresh() {
    this.freshAt = Date.now();
    this.#set({ failing: false });
  }

  failed() {
    this.#set({ failing: true });
  }

  /** A state of the line, where no other part of the page shows it. */
  heard(state, code) {
    if (state === 'ended') {
      this.ended(code);
    } else {
      this.#set({ lost: state === 'lost' });
    }
  }

  /** The server lets nobody back in on this line. */
  ended(code) {
    this.#set({ ended: code });
  }

  #set(change) {
    Object.assign(this.is, change);
    const kind = ['ended', 'failing', 'lost'].find((name) => this.is[name]) ?? '';
    if (kind !== this.shown) {
      this.shown = kind;
      this.place.replaceChildren(...(kind ? [this.#note(kind)] : []));
    }
  }

  #note(kind) {
    const [title, text] = troubleWords(kind, this.freshAt, this.zone, this.is.ended);
    const words = el('span', { class: 'grow' }, el('b', {}, title), ` ${text}`);
    return el('div', { class: 'note warn' }, icon(SIGNS[kind]), words, el('span', { class: 'end' }, this.#wayOut(kind)));
  }

  #wayOut(kind) {
    if (kind !== 'ended') {
      return button('Try now', { onClick: () => this.retry() });
    }
    const out = this.is.ended === CLOSINGS.LOGGED_OUT;
    return el('a', { class: 'btn btn-sm2', href: out ? location.href : '/' }, out ? 'Log in' : 'Go to your shops');
  }
}
