// The pill that says how fresh the page is.

import { $, setText } from '../lib/dom.js';
import { clockSeconds, durationWords } from '../lib/format.js';

const LOOKS = {
  connecting: ['dot', 'Connecting'],
  live: ['dot live', 'Live'],
  lost: ['dot warn', 'Connecting again'],
  resting: ['dot', 'Resting'],
  ended: ['dot bad', 'Not live'],
};
const EVERY_MS = 1000;

export class Connection {
  constructor(zone) {
    this.zone = zone;
    this.state = 'connecting';
    this.heardAt = Date.now();
    setInterval(() => this.#show(), EVERY_MS);
  }

  /** Something true came from the server just now. */
  heard() {
    this.heardAt = Date.now();
    this.#show();
  }

  set(state) {
    this.state = state;
    this.#show();
  }

  #show() {
    const [dot, words] = LOOKS[this.state];
    const pill = $('[data-conn]');
    pill.dataset.state = this.state;
    $('.dot', pill).className = dot;
    setText($('[data-conn-state]', pill), words);
    const seconds = Math.round((Date.now() - this.heardAt) / 1000);
    const fresh = seconds < 60 ? `${seconds} s ago` : `${durationWords(seconds - (seconds % 60))} ago`;
    const age = this.state === 'live' ? fresh : `last ${clockSeconds(this.heardAt, this.zone)}`;
    setText($('[data-conn-age]', pill), this.state === 'connecting' ? '' : age);
  }
}
