// The map of a camera while a person edits it: shapes, what is chosen, the drawing under way, undo and
// redo, what is wrong and what is to be saved. No picture and no page here.

import {
  FEW, insertCorner, lineProblem, moveAll, moveCorner, nextCornerProblem, outlineProblem,
  removeCorner, same, snap, tidy,
} from './polygon.js';

const COLOURS = 8;
const UNDO_DEPTH = 200;
const LONGEST_NAME = 80;
// One step of an arrow key is one pixel of a picture this wide.
export const PICTURE_WIDTH = 960;
const copy = (value) => JSON.parse(JSON.stringify(value));

function fromZone(zone) {
  const { id, name, kind, colour, vertices, min_dwell_s: minDwell, grace_s: grace } = zone;
  return { key: id, id, type: 'zone', name, kind, colour, points: vertices, minDwell, grace };
}

function fromLine(line) {
  const { id, name, kind, a, b, inside_side: side, band } = line;
  return { key: id, id, type: 'line', name, kind, points: [a, b], side, band };
}

export function shapesOf({ zones, lines }) {
  return [...zones.map(fromZone), ...lines.map(fromLine)];
}

function toWish(shape) {
  const { id, name, kind } = shape;
  if (shape.type === 'line') {
    const [a, b] = shape.points;
    return { id, name: name.trim(), kind, a, b, inside_side: shape.side, band: shape.band };
  }
  const { colour, points, minDwell, grace } = shape;
  return { id, name: name.trim(), kind, colour, vertices: points, min_dwell_s: minDwell, grace_s: grace };
}

export class MapEditor {
  /**
   * @param {object} map what the API answers: zones and lines
   * @param {{readOnly?: boolean, onChange?: () => void}} options
   */
  constructor(map, { readOnly = false, onChange = () => {} } = {}) {
    this.readOnly = readOnly;
    this.onChange = onChange;
    this.size = { width: PICTURE_WIDTH, height: 540 };
    this.snapping = true;
    this.made = 0;
    this.reset(map);
  }

  /** Start from a map as it is stored. */
  reset(map) {
    this.ended = shapesOf({ zones: map.ended_zones ?? [], lines: map.ended_lines ?? [] });
    this.shapes = shapesOf(map);
    this.stored = copy(this.shapes);
    this.past = [];
    this.future = [];
    this.label = null;
    this.tool = 'choose';
    this.draft = [];
    this.cursor = null;
    this.message = '';
    this.keepChoice();
  }

  keepChoice() {
    this.chosen = this.shapes.some(({ key }) => key === this.chosen) ? this.chosen : null;
    this.corner = Math.min(this.corner ?? 0, Math.max(0, (this.shape?.points.length ?? 1) - 1));
  }

  get shape() {
    return this.shapes.find(({ key }) => key === this.chosen) ?? null;
  }

  // --- choosing ------------------------------------------------------------------------------------

  choose(key, corner = 0) {
    this.chosen = key;
    this.corner = corner;
    this.label = null;
    this.message = '';
    this.keepChoice();
    this.onChange();
  }

  setTool(tool) {
    this.tool = this.readOnly ? 'choose' : tool;
    this.draft = [];
    this.cursor = null;
    this.message = '';
    this.label = null;
    this.onChange();
  }

  // --- undo and redo -------------------------------------------------------------------------------

  #state() {
    return copy({ shapes: this.shapes, chosen: this.chosen, corner: this.corner });
  }

  #restore({ shapes, chosen, corner }) {
    Object.assign(this, { shapes, chosen, corner, message: '', label: null });
    this.keepChoice();
    this.onChange();
  }

  /** Change something; changes in a row with the same label are undone together. */
  change(label, act) {
    if (this.readOnly) {
      return;
    }
    const before = this.#state();
    act();
    if (JSON.stringify(before.shapes) === JSON.stringify(this.shapes)) {
      this.onChange();
      return;
    }
    if (label === null || label !== this.label) {
      this.past = [...this.past, before].slice(-UNDO_DEPTH);
    }
    this.label = label;
    this.future = [];
    this.message = '';
    this.keepChoice();
    this.onChange();
  }

  undo() {
    if (this.draft.length) {
      this.takeBack();
    } else if (this.past.length) {
      this.future.push(this.#state());
      this.#restore(this.past.pop());
    }
  }

  redo() {
    if (this.future.length) {
      this.past.push(this.#state());
      this.#restore(this.future.pop());
    }
  }

  // --- editing the chosen shape ----------------------------------------------------------------------

  #replace(fields) {
    this.shapes = this.shapes.map((shape) => (shape.key === this.chosen ? { ...shape, ...fields } : shape));
  }

  /** Corners of other shapes, and the other corners of this one: what a corner may snap to. */
  #targets() {
    const others = this.shapes.filter(({ key }) => key !== this.chosen);
    return others.flatMap(({ points }) => points);
  }

  #snapped(p, targets) {
    return tidy(this.snapping ? snap(p, targets, this.size) : p);
  }

  /** Drag the chosen corner; `label` is the same during one drag. */
  dragCorner(to, label) {
    const { shape } = this;
    if (shape) {
      const place = this.#snapped(to, this.#targets());
      this.change(label, () => this.#replace({ points: moveCorner(shape.points, this.corner, place) }));
    }
  }

  dragAll(by, label) {
    const { shape } = this;
    if (shape) {
      this.change(label, () => this.#replace({ points: moveAll(shape.points, by) }));
    }
  }

  /** One step, in pixels of the picture, of the chosen corner or of the whole shape. */
  #step(dx, dy) {
    return [dx / this.size.width, dy / this.size.height];
  }

  /** Steps in a row are added up and taken from where they began: rounding each would drift. */
  #nudge(label, dx, dy, move) {
    const { shape } = this;
    if (!shape) {
      return;
    }
    if (label !== this.label) {
      this.row = { points: shape.points, by: [0, 0] };
    }
    const by = [this.row.by[0] + dx, this.row.by[1] + dy];
    const points = move(this.row.points, this.#step(...by));
    if (JSON.stringify(points) !== JSON.stringify(shape.points)) {
      this.row.by = by; // steps against the edge go nowhere, and are not to be taken back
      this.change(label, () => this.#replace({ points }));
    }
  }

  nudgeCorner(dx, dy) {
    const { corner } = this;
    this.#nudge(`nudge ${this.chosen} ${corner}`, dx, dy, (points, [byX, byY]) => {
      const [x, y] = points[corner];
      return moveCorner(points, corner, [x + byX, y + byY]);
    });
  }

  nudgeAll(dx, dy) {
    this.#nudge(`nudge ${this.chosen}`, dx, dy, moveAll);
  }

  /** Put a corner on the side after corner `at`, and choose it. */
  insert(at = this.corner, to = undefined, label = null) {
    const { shape } = this;
    if (shape?.type !== 'zone') {
      return;
    }
    this.change(label, () => {
      this.#replace({ points: insertCorner(shape.points, at, to) });
      this.corner = at + 1;
    });
  }

  /** Take the chosen corner away. */
  remove() {
    const { shape, corner } = this;
    if (this.readOnly || !shape) {
      return;
    }
    if (shape.type === 'line' || shape.points.length <= 3) {
      this.#say(shape.type === 'line' ? 'A line has two ends.' : FEW);
      return;
    }
    this.change(null, () => {
      this.#replace({ points: removeCorner(shape.points, corner) });
      this.corner = Math.max(0, corner - 1);
    });
  }

  /** Set a field of the chosen shape: name, kind, colour, minDwell, grace, band, side. */
  set(field, value) {
    this.change(null, () => this.#replace({ [field]: value }));
  }

  /** Set one coordinate of a corner, in per cent of the picture. */
  setPlace(corner, axis, percent) {
    const { shape } = this;
    if (!shape || !Number.isFinite(percent)) {
      return;
    }
    const to = shape.points[corner].map((v, n) => (n === axis ? percent / 100 : v));
    this.change(null, () => this.#replace({ points: moveCorner(shape.points, corner, to) }));
  }

  flip() {
    this.set('side', this.shape?.side === 'left' ? 'right' : 'left');
  }

  removeShape() {
    const { shape } = this;
    this.change(null, () => {
      this.shapes = this.shapes.filter(({ key }) => key !== shape?.key);
    });
  }

  /** Back to the stored map, as a change that can be undone. */
  discard() {
    this.draft = [];
    this.change(null, () => {
      this.shapes = copy(this.stored);
    });
  }

  /** Draw an ended shape again as it was. */
  bringBack(key) {
    const shape = this.ended.find((each) => each.key === key);
    this.change(null, () => {
      if (shape && !this.shapes.some((each) => each.key === key)) {
        this.shapes = [...this.shapes, copy(shape)];
        this.chosen = key;
        this.corner = 0;
      }
    });
  }

  // --- drawing a new one -----------------------------------------------------------------------------

  #say(message) {
    this.message = message;
    this.onChange();
  }

  #draftTargets() {
    return [...this.shapes.flatMap(({ points }) => points), ...this.draft];
  }

  /** Where the next corner would come, and whether it may. */
  get next() {
    if (!this.cursor) {
      return null;
    }
    const at = this.#snapped(this.cursor, this.#draftTargets());
    const closes = this.#closes(at);
    return { at, closes, problem: closes ? null : this.#nextProblem(at) };
  }

  #closes(at) {
    return this.tool === 'zone' && this.draft.length >= 3 && same(at, this.draft[0]);
  }

  #nextProblem(at) {
    if (this.tool === 'line') {
      return this.draft.length && same(this.draft[0], at) ? 'Both ends are at the same place.' : null;
    }
    return this.draft.length ? nextCornerProblem(this.draft, at) : null;
  }

  pointTo(p) {
    this.cursor = p;
    this.onChange();
  }

  moveCursor(dx, dy) {
    const [x, y] = this.cursor ?? [0.5, 0.5];
    const [byX, byY] = this.#step(dx, dy);
    this.pointTo([Math.min(1, Math.max(0, x + byX)), Math.min(1, Math.max(0, y + byY))]);
  }

  /** Put a corner where the cursor is. */
  put(p = this.cursor ?? [0.5, 0.5]) {
    this.cursor = p;
    const { at, closes, problem } = this.next;
    if (closes) {
      this.finish();
    } else if (problem) {
      this.#say(problem);
    } else {
      this.draft = [...this.draft, at];
      this.message = '';
      if (this.tool === 'line' && this.draft.length === 2) {
        this.finish();
      } else {
        this.onChange();
      }
    }
  }

  takeBack() {
    this.draft = this.draft.slice(0, -1);
    this.#say('');
  }

  /** Close the shape that is drawn; true when it is one. */
  finish() {
    const isLine = this.tool === 'line';
    const problem = isLine && this.draft.length < 2 ? { words: 'A line needs two ends.' } : null;
    const wrong = problem ?? (isLine ? lineProblem(this.draft) : outlineProblem(this.draft));
    if (wrong) {
      this.#say(wrong.code === 'crossing' ? 'The last side would cross another side.' : wrong.words);
      return false;
    }
    const points = this.draft;
    this.made += 1;
    const shape = isLine ? this.#newLine(points) : this.#newZone(points);
    this.draft = [];
    this.cursor = null;
    this.tool = 'choose';
    this.change(null, () => {
      this.shapes = [...this.shapes, shape];
      this.chosen = shape.key;
      this.corner = 0;
    });
    return true;
  }

  /** Shapes that have ended and those that this save ends: their names stay theirs. */
  #notDrawn() {
    const drawn = new Set(this.shapes.map(({ key }) => key));
    return [...this.ended, ...this.stored].filter(({ key }) => !drawn.has(key));
  }

  #newName(word) {
    const taken = new Set([...this.shapes, ...this.#notDrawn()].map(({ name }) => name));
    let number = 1;
    while (taken.has(number === 1 ? word : `${word} ${number}`)) {
      number += 1;
    }
    return number === 1 ? word : `${word} ${number}`;
  }

  #newZone(points) {
    const used = this.shapes.filter(({ type }) => type === 'zone').map(({ colour }) => colour);
    const times = (colour) => used.filter((each) => each === colour).length;
    const colours = Array.from({ length: COLOURS }, (_, n) => n + 1);
    const colour = colours.sort((a, b) => times(a) - times(b) || a - b)[0];
    const name = this.#newName('New zone');
    return { key: `new-${this.made}`, id: null, type: 'zone', name, kind: 'display', colour, points, minDwell: 0, grace: 2 };
  }

  #newLine(points) {
    const name = this.#newName('New line');
    return { key: `new-${this.made}`, id: null, type: 'line', name, kind: 'entrance', points, side: 'right', band: 0.012 };
  }

  // --- what is wrong, and what is to be saved ----------------------------------------------------------

  /** What is wrong with a shape, or null; a name that is missing or taken, and its corners. */
  problemOf(shape) {
    const wrong = shape.type === 'line' ? lineProblem(shape.points) : outlineProblem(shape.points);
    return wrong ?? this.#nameProblem(shape);
  }

  #nameProblem(shape) {
    const name = shape.name.trim();
    const problem = (words) => ({ code: 'name', words, sides: [] });
    if (!name) {
      return problem('Give it a name.');
    }
    if (name.length > LONGEST_NAME) {
      return problem(`A name has at most ${LONGEST_NAME} letters.`);
    }
    const isTwin = (other) => other.key !== shape.key && other.type === shape.type && other.name.trim() === name;
    if (this.shapes.some(isTwin)) {
      return problem(`Two have the name “${name}”. Give each its own.`);
    }
    if (this.#notDrawn().some(isTwin)) {
      return problem(`“${name}” is the name of one that was ended. Bring that back, or choose another name.`);
    }
    return null;
  }

  /** The first thing that keeps the map from being saved: {shape, words, sides}, or null. */
  get problem() {
    const all = this.shapes.map((shape) => ({ shape, ...this.problemOf(shape) }));
    const wrong = all.filter(({ words }) => words);
    return wrong.find(({ shape }) => shape.key === this.chosen) ?? wrong[0] ?? null;
  }

  /** How many shapes are not as they are stored. */
  get changes() {
    const text = (shape) => JSON.stringify(shape);
    const before = new Map(this.stored.map((shape) => [shape.key, text(shape)]));
    const changed = this.shapes.filter((shape) => before.get(shape.key) !== text(shape)).length;
    return changed + this.stored.filter(({ key }) => !this.shapes.some((each) => each.key === key)).length;
  }

  /** Whether a stored shape is of another kind by now: that changes old numbers too. */
  get changesKind() {
    const kinds = new Map([...this.stored, ...this.ended].map(({ key, kind }) => [key, kind]));
    return this.shapes.some(({ key, kind }) => kinds.has(key) && kinds.get(key) !== kind);
  }

  /** The whole map, as the API takes it. */
  wish(basis) {
    const of = (type) => this.shapes.filter((shape) => shape.type === type).map(toWish);
    return { basis, zones: of('zone'), lines: of('line') };
  }
}
