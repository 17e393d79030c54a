// The way of one person on a camera's empty picture: the map of then, marked points, and a walker
// that a slider or a play button moves along.

import { $, $$, icon, setText } from '../lib/dom.js';
import { clockSeconds } from '../lib/format.js';
import { Playback } from '../lib/playback.js';
import { paceOf, placeAt, spanOf } from '../lib/ways.js';
import { Drawing } from './drawing.js';

const EVERY_MS = 50;
// Narrower pictures stand between dark bands instead of pushing the page down.
const NARROWEST = 1.6;

export class Way {
  /**
   * @param {object} options
   * @param {object} options.told what the server says of the way
   * @param {string} options.zone the store's time zone
   * @param {(at: number) => void} [options.onMoment] told of each moment shown, in ms since 1970
   */
  constructor({ told, zone, onMoment = () => {} }) {
    this.card = $('[data-way]');
    this.told = told;
    this.zone = zone;
    this.onMoment = onMoment;
    this.drawing = new Drawing(this.card);
    this.#draw();
    this.span = spanOf(told.pieces);
    if (this.span && $('[data-way-play]', this.card)) {
      this.#controls();
    }
  }

  #draw() {
    const { width, height, zones, lines, pieces, marks } = this.told;
    const ratio = width / height;
    $('[data-scene]', this.card).style.aspectRatio = String(Math.max(ratio, NARROWEST));
    $('[data-stage]', this.card).style.aspectRatio = String(ratio);
    this.drawing.resize(width, height);
    this.drawing.camera({ zones, lines });
    this.drawing.way(pieces);
    this.drawing.marks(marks);
    this.#clearMarks();
    new ResizeObserver(() => this.#clearMarks()).observe(this.card);
    // A picture that does not come leaves an empty ground, never a broken sign.
    const still = $('[data-still]', this.card);
    const drop = () => still.remove();
    still?.addEventListener('error', drop, { once: true });
    if (still?.complete && !still.naturalWidth) {
      drop();
    }
  }

  /** A zone's name gives way where it would hide a mark or its word. */
  #clearMarks() {
    const marked = $$('.mk:not(.walker), [data-box-tags] .ot-tag', this.card);
    const spots = marked.map((node) => node.getBoundingClientRect());
    for (const name of $$('[data-zone-tags] .ot-tag', this.card)) {
      const box = name.getBoundingClientRect();
      const meets = ({ left, right, top, bottom }) =>
        left < box.right && right > box.left && top < box.bottom && bottom > box.top;
      name.classList.toggle('aside', spots.some(meets));
    }
  }

  #controls() {
    const [first, last] = this.span;
    this.pace = paceOf(last - first);
    this.playback = new Playback();
    this.playback.paused = true;
    this.playback.extent(last - first, false);
    this.seek = $('[data-way-seek]', this.card);
    this.seek.max = String(last - first);
    this.start = $('[data-way-start]', this.card);
    this.seek.addEventListener('input', () => this.#show(Number(this.seek.value)));
    this.start.addEventListener('click', () => this.#pause(!this.playback.paused));
    $('[data-way-play]', this.card).hidden = false;
    const here = this.told.marks.find(({ kind }) => kind === 'here') ?? this.told.marks[0];
    this.#show(here ? here.time_ms - first : 0);
    setInterval(() => this.#tick(), EVERY_MS);
  }

  #pause(paused) {
    this.playback.paused = paused;
    this.playback.tickedAt = null;
    this.start.replaceChildren(icon(paused ? 'player-play' : 'player-pause'));
    this.start.setAttribute('aria-label', paused ? 'Walk along the way' : 'Stand still');
  }

  #tick() {
    if (this.playback.paused || document.hidden) {
      return;
    }
    const before = this.playback.atMs;
    const atMs = this.playback.tick(performance.now() * this.pace);
    this.#show(atMs);
    if (atMs < before) {
      this.#pause(true); // once along the way, and back at its start
    }
  }

  #show(atMs) {
    this.playback.seek(atMs);
    const moment = this.span[0] + this.playback.atMs;
    this.seek.value = String(this.playback.atMs);
    this.drawing.walk(placeAt(this.told.pieces, moment));
    const at = Date.parse(this.told.started_at) + moment;
    const words = clockSeconds(at, this.zone);
    this.seek.setAttribute('aria-valuetext', words);
    setText($('[data-way-moment]', this.card), words);
    this.onMoment(at);
  }
}
