// What a camera's map was: its versions, and the zones and lines that are no longer counted.

import { $, button, el } from '../lib/dom.js';
import { clock, day } from '../lib/format.js';
import { shapesOf } from '../lib/map_editor.js';

export class MapPast {
  /** `look` shows the shapes of an older version, or none. */
  constructor({ zone, editor, look }) {
    Object.assign(this, { zone, editor, look });
    this.versions = $('[data-versions]');
    this.ended = $('[data-ended]');
    this.looking = null;
  }

  /** Show the versions of a map as the API tells it. */
  show(map) {
    this.map = map;
    this.looking = null;
    this.look([]);
    this.#drawVersions();
    this.drawEnded();
  }

  #drawVersions() {
    const { history } = this.map;
    $('[data-no-versions]').hidden = history.length > 0;
    this.versions.replaceChildren(...history.map((moment, n) => this.#version(moment, n)));
  }

  #when(at) {
    return `${day(at, this.zone)}, ${clock(at, this.zone)}`;
  }

  #version({ at, changes, by, zones, lines }, n) {
    const title = n === 0 ? el('b', {}, 'Now in use') : el('b', {}, this.#when(at));
    const since = n === 0 ? [' ', el('span', { class: 'faint' }, `since ${this.#when(at)}`)] : [];
    const words = el('span', { class: 'muted' }, `${changes.join(', ')}${by.length ? `, by ${by.join(' and ')}` : ''}.`);
    const text = el('div', { class: 'grow' }, title, ...since, el('br'), words);
    const item = el('li', {}, el('span', { class: `vdot${n === 0 ? ' on' : ''}` }), text);
    if (n > 0) {
      const isShown = this.looking === n;
      const again = () => {
        this.looking = isShown ? null : n;
        this.look(isShown ? [] : shapesOf({ zones, lines }));
        this.#drawVersions();
        this.versions.children[n].querySelector('button').focus();
      };
      const press = button(isShown ? 'Back to now' : 'Look', { title: `${isShown ? 'Back to now from' : 'Look at'} the drawing of ${this.#when(at)}`, onClick: again });
      item.append(press);
    }
    return item;
  }

  /** List what ended, without what is drawn again. */
  drawEnded() {
    const drawn = new Set(this.editor.shapes.map(({ key }) => key));
    const rows = [...this.map.ended_zones, ...this.map.ended_lines].filter(({ id }) => !drawn.has(id));
    $('[data-ended-card]').hidden = rows.length === 0;
    this.ended.replaceChildren(...rows.map((row) => this.#endedRow(row)));
  }

  #endedRow({ id, name, colour, ended_at: at }) {
    const until = el('span', { class: 'muted' }, at ? `until ${this.#when(at)}` : 'not drawn');
    const text = el('div', { class: 'grow' }, el('b', {}, name), el('br'), until);
    const item = el('li', {}, el('span', { class: colour ? `sw z${colour}` : 'sw zl' }), text);
    if (!this.editor.readOnly) {
      item.append(button('Bring back', { title: `Bring back ${name}`, onClick: () => this.editor.bringBack(id) }));
    }
    return item;
  }
}
