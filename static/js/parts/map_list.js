// The list of zones and lines; the chosen row opens its form.

import { $$, el, icon, setText } from '../lib/dom.js';
import { count } from '../lib/format.js';
import { MapForm } from './map_form.js';

export class MapList {
  constructor({ root, empty, editor, kinds, numbers }) {
    Object.assign(this, { root, empty, editor, kinds, numbers });
    this.shown = '';
    this.form = null;
  }

  /** Today's number of a shape as text: stays of a zone, people in by a line. */
  number({ id, type }) {
    const told = this.numbers.get(id);
    return count(type === 'line' ? told?.entries : told?.stays);
  }

  draw() {
    const { shapes, chosen } = this.editor;
    const wanted = JSON.stringify([shapes.map(({ key }) => key), chosen]);
    if (wanted !== this.shown) {
      this.shown = wanted;
      this.#build();
    }
    shapes.forEach((shape, n) => this.#update($$(':scope > li', this.root)[n], shape));
    this.form?.update();
    this.empty.hidden = shapes.length > 0;
  }

  #build() {
    const focused = this.root.contains(document.activeElement) ? document.activeElement.id : '';
    const { shapes, chosen, shape } = this.editor;
    this.form = shape ? new MapForm(this) : null;
    this.root.replaceChildren(
      ...shapes.map(({ key }, n) => this.#row(key, n, key === chosen ? [this.form.root] : [])),
    );
    if (focused) {
      document.getElementById(focused)?.focus({ preventScroll: true });
    }
  }

  #row(key, n, form) {
    const isChosen = form.length > 0;
    const row = el(
      'button',
      { type: 'button', class: 'zrow', id: `shape-row-${n}`, 'aria-expanded': String(isChosen) },
      el('span', { 'data-swatch': true }),
      el('span', { class: 'grow ellipsis', 'data-name': true }),
      el('span', { class: 'wrong', 'data-wrong': true, hidden: true }, icon('alert-circle', 'icon-sm'), el('span', { class: 'sr' }, 'cannot be saved')),
      el('span', { class: 'faint small nowrap', 'data-kind': true }),
      el('b', { class: 'num', 'data-number': true }),
    );
    row.addEventListener('click', () => this.editor.choose(isChosen ? null : key));
    return el('li', { class: isChosen ? 'on' : '' }, row, ...form);
  }

  #update(item, shape) {
    const part = (name) => item.querySelector(`[data-${name}]`);
    part('swatch').className = shape.type === 'line' ? 'sw zl' : `sw z${shape.colour}`;
    setText(part('name'), shape.name || 'Without a name');
    const kind = this.kinds[shape.type].find(({ value }) => value === shape.kind)?.name ?? '';
    setText(part('kind'), shape.type === 'line' ? `${kind} line` : kind);
    setText(part('number'), this.number(shape));
    part('wrong').hidden = !this.editor.problemOf(shape);
  }
}
