// The card of the Zones page that says what a drawing would have counted, before it is saved.

import { post } from '../lib/api.js';
import { coalesce } from '../lib/coalesce.js';
import { $, el, setText } from '../lib/dom.js';
import { rowsOf, spanWords } from '../lib/what_if.js';

// Somebody who drags a corner or types a number is not asked after.
const REST_MS = 600;
const NOBODY = 'Nobody was followed by this camera lately, so there are no ways to try the drawing on. Save it, and it counts from now on.';
const UNKNOWN = 'Where a place was ignored nobody was followed, so what it would have counted there is not known.';
const NOT_YET = 'Once the drawing can be saved, it is counted again here.';

export class MapWhatIf {
  /** `basis` returns the state of the map that is stored. */
  constructor({ root, editor, address, zone, basis }) {
    Object.assign(this, { root, editor, address, zone, basis });
    this.wanted = '';
    this.timer = null;
    this.ask = coalesce(() => this.#ask(), 0);
    $('[data-try-again]', root).addEventListener('click', () => this.#count());
  }

  /** Count again what is drawn by now, unless that was asked already. */
  update() {
    const { changes, problem } = this.editor;
    this.root.hidden = !changes;
    const wanted = changes && !problem ? JSON.stringify(this.editor.wish(this.basis())) : '';
    if (wanted !== this.wanted || (changes && problem)) {
      this.wanted = wanted;
      clearTimeout(this.timer);
      if (wanted) {
        this.#busy(true);
        this.timer = setTimeout(() => this.#count(), REST_MS);
      } else if (changes) {
        this.#say(NOT_YET);
      }
    }
  }

  #count() {
    this.#busy(true);
    this.ask();
  }

  async #ask() {
    const asked = this.wanted;
    if (!asked) {
      return;
    }
    try {
      const answer = await post(this.address, JSON.parse(asked));
      this.#told(asked, () => this.#show(answer));
    } catch (error) {
      this.#told(asked, () => this.#say(error.message, true));
    }
  }

  /** Show an answer, unless something else is drawn by now. */
  #told(asked, show) {
    if (asked === this.wanted) {
      show();
    }
  }

  #busy(busy) {
    this.root.setAttribute('aria-busy', String(busy));
    $('[data-counting]', this.root).hidden = !busy;
  }

  #say(words, isFailure = false) {
    this.#busy(false);
    setText($('[data-what-if-note]', this.root), words);
    $('[data-try-again]', this.root).hidden = !isFailure;
    $('[data-what-if-table]', this.root).hidden = true;
  }

  #show(answer) {
    const span = spanWords(answer, this.zone);
    this.#say([span || NOBODY, ...(answer.opens_ignored ? [UNKNOWN] : [])].join(' '));
    $('[data-what-if-table]', this.root).hidden = !span;
    $('tbody', this.root).replaceChildren(...rowsOf(answer).map((row) => this.#row(row)));
  }

  #row({ name, colour, saved, drawn, difference, stay }) {
    const isSame = difference === 'same';
    const label = el('th', { scope: 'row' }, el('i', { class: colour ? `sw z${colour}` : 'sw zl' }), ' ', name);
    const now = el('td', { class: 'num muted' }, saved);
    const then = el('td', { class: 'num' }, el(isSame ? 'span' : 'b', {}, drawn), ' ', el('span', { class: 'faint' }, difference));
    return el('tr', {}, label, now, then, el('td', { class: 'num' }, stay));
  }
}
