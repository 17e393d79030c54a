// What one does with a chart of bars: look at a part of it, by drag or by buttons, and leave out
// what the legend names. The buttons stand in the legend, which is on the card of the chart.

import { $, $$, button, el, icon, setText } from '../lib/dom.js';
import { between, closer, isWhole, moved, placesOf } from '../lib/zoom.js';

/** A drag of fewer pixels is a press. */
const DRAG_PX = 8;

export class ChartTools {
  /** `bars()` are all there are, in the order of time; `begins` and `ends` say when one does. */
  constructor(host, { bars, begins, ends, draw }) {
    this.host = host;
    this.bars = bars;
    this.begins = begins;
    this.ends = ends;
    this.draw = draw;
    this.kept = null;
    this.left = new Set();
    this.dragged = false;
    this.legend = $('.legend', host.parentElement);
    // The click that ends a drag presses no bar.
    host.addEventListener('pointerdown', () => (this.dragged = false), true);
    host.addEventListener('click', (event) => this.dragged && event.stopPropagation(), true);
    if (this.legend) {
      this.#startLegend();
      this.#addButtons();
    }
  }

  /** The first and the last place shown. */
  get part() {
    return placesOf(this.kept, this.#starts());
  }

  /** Those of the bars, or of pairs of a place and a name, that are shown. */
  shown(bars) {
    const { from, to } = this.part;
    return bars.slice(from, to + 1);
  }

  marks(pairs) {
    const { from, to } = this.part;
    return pairs?.filter(([place]) => place >= from && place <= to).map(([place, name]) => [place - from, name]);
  }

  has(series) {
    return !this.left.has(series);
  }

  /** What uPlot is told so that a drag chooses a part. */
  get options() {
    return { drag: { x: true, y: false, setScale: false, dist: DRAG_PX } };
  }

  /** A hook of uPlot's, called at the end of a drag. */
  select = (chart) => {
    const { left, width } = chart.select;
    if (width < DRAG_PX) {
      return;
    }
    this.dragged = true;
    const { from } = this.part;
    const [one, other] = [left, left + width].map((x) => from + chart.posToVal(x, 'x'));
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#show(between(one, other, this.bars().length));
  };

  /** Say which part is shown, and offer only what can be done. */
  update() {
    if (!this.buttons) {
      return;
    }
    const bars = this.bars();
    const { from, to } = this.part;
    const all = !bars.length || isWhole({ from, to }, bars.length);
    for (const one of [this.buttons.earlier, this.buttons.later, this.buttons.all]) {
      one.hidden = all;
    }
    this.buttons.earlier.disabled = from === 0;
    this.buttons.later.disabled = to === bars.length - 1;
    this.buttons.closer.disabled = closer({ from, to }, bars.length).from === from;
    setText(this.words, all ? '' : `${this.begins(bars[from])} to ${this.ends(bars[to])}`);
  }

  #starts() {
    return this.bars().map(({ starts_at: at }) => Date.parse(at));
  }

  #show({ from, to }) {
    const starts = this.#starts();
    this.kept = isWhole({ from, to }, starts.length) ? null : { from: starts[from], to: starts[to] };
    this.draw();
  }

  #startLegend() {
    const toggles = $$('[data-series]', this.legend);
    this.legend.addEventListener('click', (event) => {
      const toggle = event.target.closest('[data-series]');
      if (!toggle) {
        return;
      }
      const { series } = toggle.dataset;
      // The last one stays: an empty chart says nothing.
      if (this.has(series) && this.left.size === toggles.length - 1) {
        return;
      }
      this.left.delete(series) || this.left.add(series);
      toggle.setAttribute('aria-pressed', String(this.has(series)));
      this.draw();
    });
  }

  #addButtons() {
    const length = () => this.bars().length;
    const square = (name, title, onClick) => button(icon(name), { class: 'btn btn-sq btn-sm2', title, onClick });
    const step = (way) => () => this.#show(moved(this.part, length(), way));
    this.words = el('span', { role: 'status', class: 'zoomed nowrap' });
    this.buttons = {
      earlier: square('chevron-left', 'Earlier', step(-1)),
      later: square('chevron-right', 'Later', step(1)),
      closer: button('Closer', { onClick: () => this.#show(closer(this.part, length())) }),
      all: button('Show all', { onClick: () => this.#showAll() }),
    };
    const { earlier, later, closer: nearer, all } = this.buttons;
    const group = { class: 'chart-tools', role: 'group', 'aria-label': 'Part of the chart' };
    this.legend.append(el('span', group, this.words, earlier, later, nearer, all));
  }

  #showAll() {
    this.kept = null;
    this.draw();
    this.buttons.closer.focus(); // the pressed button is gone
  }
}
