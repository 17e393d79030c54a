// The form of the chosen zone or line: built once, then kept in step, so that nobody loses the focus.

import { button, el, setText } from '../lib/dom.js';
import { count, duration } from '../lib/format.js';

const COLOURS = [1, 2, 3, 4, 5, 6, 7, 8];
const tenths = (share) => String(Math.round(share * 10_000) / 100);

function labelled(id, label, field, help = null) {
  return el('div', {}, el('label', { class: 'form-label', for: id }, label), field, ...(help ? [help] : []));
}

export class MapForm {
  constructor({ editor, kinds, numbers }) {
    this.editor = editor;
    this.kinds = kinds;
    this.numbers = numbers;
    this.fields = [];
    this.root = el('div', { class: 'zform' });
    this.#build(editor.shape);
    this.update();
  }

  #build(shape) {
    const isLine = shape.type === 'line';
    if (this.editor.readOnly) {
      this.root.append(this.#facts(), this.#today());
      return;
    }
    this.root.append(this.#today(), this.#name(), this.#kind(shape), ...(isLine ? this.#ofLine() : this.#ofZone()));
    this.root.append(this.#corners(isLine), this.#actions(isLine));
  }

  /** Remember how a field shows the shape; what has the focus is left to whoever types. */
  #keep(field, value) {
    this.fields.push(({ shape }) => {
      const wanted = String(value(shape));
      if (document.activeElement !== field && field.value !== wanted) {
        field.value = wanted;
      }
    });
    return field;
  }

  #number(id, label, unit, { value, take, step = 'any', max = null }) {
    const field = el('input', { class: 'form-control', id, type: 'number', min: 0, max, step, inputmode: 'decimal' });
    field.addEventListener('change', () => {
      const typed = field.valueAsNumber;
      if (Number.isFinite(typed) && typed >= 0 && (max === null || typed <= max)) {
        take(typed);
      }
      field.value = String(value(this.editor.shape));
    });
    this.#keep(field, value);
    return labelled(id, label, el('div', { class: 'unit' }, field, el('span', { 'aria-hidden': 'true' }, unit)));
  }

  #name() {
    const field = el('input', { class: 'form-control', id: 'shape-name', maxlength: 80, autocomplete: 'off' });
    field.addEventListener('input', () => this.editor.set('name', field.value));
    this.#keep(field, ({ name }) => name);
    const wrong = el('span', { class: 'form-err', id: 'shape-name-problem', role: 'alert' });
    this.fields.push(({ shape, editor }) => {
      const problem = editor.problemOf(shape);
      const words = problem?.code === 'name' ? problem.words : '';
      setText(wrong, words);
      wrong.hidden = !words;
      field.setAttribute('aria-invalid', String(Boolean(words)));
      field.setAttribute('aria-describedby', words ? wrong.id : '');
    });
    return labelled('shape-name', 'Name', field, wrong);
  }

  #kind({ type }) {
    const options = this.kinds[type].map(({ value, name }) => el('option', { value }, name));
    const field = el('select', { class: 'form-select', id: 'shape-kind' }, ...options);
    field.addEventListener('change', () => this.editor.set('kind', field.value));
    this.fields.push(({ shape }) => {
      field.value = shape.kind;
    });
    const help = el('span', { class: 'form-help' });
    this.fields.push(({ shape }) => setText(help, this.#why(shape)));
    return labelled('shape-kind', 'What is it?', field, help);
  }

  #why({ type, kind }) {
    return this.kinds[type].find(({ value }) => value === kind)?.why ?? '';
  }

  #ofZone() {
    const seconds = (id, label, field) =>
      this.#number(id, label, 's', { value: (shape) => shape[field], take: (v) => this.editor.set(field, v), max: 86_400 });
    const times = el('div', { class: 'zpair' }, seconds('shape-dwell', 'A stop is over', 'minDwell'), seconds('shape-grace', 'May step out for', 'grace'));
    return [this.#colours(), times];
  }

  #colours() {
    const choices = COLOURS.map((colour) => {
      const radio = el('input', { type: 'radio', class: 'sr', name: 'shape-colour', value: colour });
      radio.addEventListener('change', () => this.editor.set('colour', colour));
      this.fields.push(({ shape }) => {
        radio.checked = shape.colour === colour;
      });
      return el('label', { class: `zcol z${colour}` }, radio, el('span', { class: 'sr' }, `Colour ${colour}`));
    });
    return el('fieldset', { class: 'zcols' }, el('legend', { class: 'form-label' }, 'Colour'), ...choices);
  }

  #ofLine() {
    const words = el('p', { class: 'small muted' }, 'A person counts once when their feet cross it. The arrow points to the inside.');
    const turn = button('Turn the arrow round', { class: 'btn', onClick: () => this.editor.flip() });
    const band = this.#number('shape-band', 'Ignore wobble of', '%', {
      value: ({ band: share }) => tenths(share),
      take: (v) => this.editor.set('band', v / 100),
      max: 20,
    });
    const help = el('span', { class: 'form-help' }, 'Of the picture’s height, to both sides. Standing on the line never counts.');
    band.append(help);
    return [words, turn, band];
  }

  /** Which corner, and where it is: the same by numbers as with the pointer. */
  #corners(isLine) {
    const which = el('select', { class: 'form-select', id: 'shape-corner' });
    which.addEventListener('change', () => this.editor.choose(this.editor.chosen, Number(which.value)));
    const named = (n) => (isLine ? ['From', 'To'][n] : String(n + 1));
    this.fields.push(({ shape, editor }) => {
      if (which.options.length !== shape.points.length) {
        which.replaceChildren(...shape.points.map((_, n) => el('option', { value: n }, named(n))));
      }
      which.value = String(editor.corner);
    });
    const axis = (id, label, n) =>
      this.#number(id, label, '%', {
        value: (shape) => tenths((shape.points[this.editor.corner] ?? shape.points[0])[n]),
        take: (v) => this.editor.setPlace(this.editor.corner, n, v),
        max: 100,
      });
    return el(
      'div',
      { class: 'zpair' },
      labelled('shape-corner', isLine ? 'End' : 'Corner', which),
      axis('shape-across', 'Across', 0),
      axis('shape-down', 'Down', 1),
    );
  }

  #actions(isLine) {
    const small = (label, onClick, name = 'btn btn-sm2') => button(label, { class: name, onClick });
    const away = small(isLine ? 'Remove line' : 'Remove zone', () => this.editor.removeShape(), 'btn btn-plain btn-sm2 away');
    const corners = isLine
      ? []
      : [small('Add a corner', () => this.editor.insert()), small('Remove corner', () => this.editor.remove())];
    return el('div', { class: 'zacts' }, ...corners, away);
  }

  #facts() {
    const text = el('p', { class: 'small' });
    this.fields.push(({ shape }) => setText(text, this.#why(shape)));
    return text;
  }

  #today() {
    const text = el('p', { class: 'small muted' });
    this.fields.push(({ shape }) => setText(text, this.#todayWords(shape)));
    return text;
  }

  #todayWords({ id, type }) {
    const told = this.numbers.get(id);
    if (!told) {
      return 'New: it has no numbers yet.';
    }
    if (type === 'line') {
      return told.entries === null ? 'Nobody looked today.' : `Today: ${count(told.entries)} in, ${count(told.exits)} out.`;
    }
    if (told.stays === null) {
      return 'Nobody looked today.';
    }
    const typical = told.median_s === null ? '' : `, typical stay ${duration(told.median_s)}`;
    return `Today: ${count(told.stays)} ${told.stays === 1 ? 'stay' : 'stays'}${typical}.`;
  }

  update() {
    const { editor } = this;
    const { shape } = editor;
    if (shape) {
      this.fields.forEach((keep) => keep({ shape, editor }));
    }
  }
}
