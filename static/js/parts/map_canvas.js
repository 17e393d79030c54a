// Draws a camera's map on its picture and takes the pointer: every decision is the editor's.

import { $, el, svg } from '../lib/dom.js';
import { PICTURE_WIDTH } from '../lib/map_editor.js';
import { arrow, centre, middle } from '../lib/polygon.js';

const ARROW_PX = 26;
const WING_PX = 7;
const CROSS_PX = 9;
const TALLEST = 0.76; // of the window: a picture that stands upright must not push the list away

const place = ([x, y], { width, height }) => [x * width, y * height];
const percent = (v) => `${(v * 100).toFixed(1)} %`;

export class MapCanvas {
  constructor({ root, editor, tagText }) {
    this.editor = editor;
    this.tagText = tagText;
    this.stage = $('[data-stage]', root);
    this.svg = $('[data-drawing]', root);
    this.tags = $('[data-tags]', root);
    this.message = $('[data-message]', root);
    this.old = []; // shapes of an older version, to look at
    this.ends = null;
    this.drag = null;
    this.drags = 0;
    this.#start($('[data-still]', root));
  }

  #start(still) {
    still?.addEventListener('load', () => this.#fit(still.naturalWidth / still.naturalHeight));
    still?.addEventListener('error', () => still.remove());
    if (still?.complete && still.naturalWidth) {
      this.#fit(still.naturalWidth / still.naturalHeight);
    }
    this.svg.addEventListener('pointerdown', (event) => this.#down(event));
    this.svg.addEventListener('pointermove', (event) => this.#move(event));
    this.svg.addEventListener('pointerup', () => this.#up());
    this.svg.addEventListener('pointercancel', () => this.#up());
    // What was pressed is drawn anew, so the focus is ours to give.
    this.svg.addEventListener('mousedown', (event) => event.preventDefault());
    this.svg.addEventListener('dblclick', (event) => this.#twice(event));
    this.svg.addEventListener('focusin', (event) => this.#focused(event));
    new ResizeObserver(() => this.draw()).observe(this.stage);
  }

  #fit(ratio) {
    this.stage.style.aspectRatio = String(ratio);
    this.stage.style.maxWidth = `calc(${TALLEST * 100}vh * ${ratio})`;
    this.draw();
  }

  // --- the pointer -----------------------------------------------------------------------------------

  #at(event) {
    const box = this.svg.getBoundingClientRect();
    const share = (v, from, length) => Math.min(1, Math.max(0, (v - from) / length));
    return [share(event.clientX, box.left, box.width), share(event.clientY, box.top, box.height)];
  }

  #down(event) {
    if (event.button !== 0) {
      return;
    }
    const { editor } = this;
    const at = this.#at(event);
    if (editor.tool !== 'choose') {
      editor.put(at);
      this.focusChosen(true);
      return;
    }
    this.svg.setPointerCapture(event.pointerId);
    this.drags += 1;
    const label = `drag ${this.drags}`;
    const { corner, side } = event.target.dataset;
    const key = event.target.closest('[data-key]')?.dataset.key;
    if (corner !== undefined) {
      editor.choose(editor.chosen, Number(corner));
      this.drag = { label };
    } else if (side !== undefined) {
      editor.insert(Number(side), at, label);
      this.drag = { label };
    } else if (key) {
      // Only what is chosen already is dragged as a whole: a press alone must not move anything.
      this.drag = key === editor.chosen ? { label, from: at } : null;
      editor.choose(key, key === editor.chosen ? editor.corner : 0);
    } else {
      editor.choose(null);
    }
    this.focusChosen(corner !== undefined || side !== undefined);
  }

  #move(event) {
    const { editor, drag } = this;
    if (editor.tool !== 'choose') {
      editor.pointTo(this.#at(event));
    } else if (drag?.from) {
      const at = this.#at(event);
      editor.dragAll([at[0] - drag.from[0], at[1] - drag.from[1]], drag.label);
      drag.from = at;
    } else if (drag) {
      editor.dragCorner(this.#at(event), drag.label);
    }
  }

  #up() {
    this.drag = null;
  }

  #twice(event) {
    if (this.editor.tool !== 'choose') {
      this.editor.finish();
    } else if (event.target.dataset.corner !== undefined) {
      this.editor.remove();
    }
  }

  // --- the focus -------------------------------------------------------------------------------------

  #focused({ target }) {
    const { corner } = target.dataset;
    if (corner !== undefined && Number(corner) !== this.editor.corner) {
      this.editor.choose(this.editor.chosen, Number(corner));
    }
  }

  focusChosen(onCorner = false) {
    const { chosen, corner, tool } = this.editor;
    if (tool !== 'choose') {
      this.svg.focus({ preventScroll: true });
      return;
    }
    const wanted = onCorner ? `[data-corner="${corner}"]` : `[data-key="${CSS.escape(chosen ?? '')}"]`;
    ($(wanted, this.svg) ?? this.svg).focus({ preventScroll: true });
  }

  /** Draw anew; what had the focus has it again. */
  draw() {
    const focus = this.svg.contains(document.activeElement) ? document.activeElement.dataset : null;
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height) {
      return;
    }
    this.px = { width, height };
    this.editor.size = { width: PICTURE_WIDTH, height: (PICTURE_WIDTH * height) / width };
    this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.svg.classList.toggle('drawing', this.editor.tool !== 'choose');
    this.svg.replaceChildren(
      ...this.#ends(),
      ...this.editor.shapes.map((shape) => this.#shape(shape)),
      ...this.old.map((shape) => this.#outline(shape, 'zold')),
      ...this.#handles(),
      ...this.#draft(),
    );
    this.tags.replaceChildren(...this.editor.shapes.map((shape) => this.#tag(shape)));
    this.tags.classList.toggle('dim', this.editor.tool !== 'choose');
    this.#untangle();
    this.#say();
    if (focus?.corner !== undefined) {
      this.focusChosen(true);
    } else if (focus?.key) {
      ($(`[data-key="${CSS.escape(focus.key)}"]`, this.svg) ?? this.svg).focus({ preventScroll: true });
    }
  }

  // --- what is drawn -----------------------------------------------------------------------------------

  #points(points) {
    return points.map((p) => place(p, this.px).map((v) => v.toFixed(1)).join(',')).join(' ');
  }

  #segment([a, b], name) {
    const [[x1, y1], [x2, y2]] = [place(a, this.px), place(b, this.px)];
    return svg('line', { class: name, x1, y1, x2, y2 });
  }

  #outline(shape, name) {
    return shape.type === 'line'
      ? this.#segment(shape.points, name)
      : svg('polygon', { class: name, points: this.#points(shape.points) });
  }

  #shape(shape) {
    const isChosen = shape.key === this.editor.chosen;
    const what = shape.type === 'line' ? 'counting line' : 'zone';
    const group = svg('g', {
      class: `zg${isChosen ? ' on' : ''}`,
      tabindex: 0,
      role: 'button',
      'aria-pressed': String(isChosen),
      'aria-label': `${shape.name}, ${what}`,
      'data-key': shape.key,
    });
    group.append(...(shape.type === 'line' ? this.#line(shape) : this.#zone(shape)));
    return group;
  }

  #zone(shape) {
    return [this.#outline(shape, 'halo'), this.#outline(shape, `zp k${shape.colour}`)];
  }

  #line({ points, side }) {
    const { from, to, along: [nx, ny] } = arrow(points, side, this.px, ARROW_PX);
    const wing = (way) => [to[0] - nx * WING_PX - ny * WING_PX * way, to[1] - ny * WING_PX + nx * WING_PX * way];
    const path = `M${from.join(' ')}L${to.join(' ')}M${wing(1).join(' ')}L${to.join(' ')}L${wing(-1).join(' ')}`;
    return [
      this.#segment(points, 'hit'),
      this.#segment(points, 'halo wide'),
      this.#segment(points, 'cline'),
      svg('path', { class: 'halo wide', d: path }),
      svg('path', { class: 'carrow', d: path }),
    ];
  }

  #dot(p, name, r, attributes = {}) {
    const [cx, cy] = place(p, this.px);
    return svg('circle', { class: name, cx, cy, r, ...attributes });
  }

  #handles() {
    const { editor } = this;
    const { shape } = editor;
    if (!shape || editor.tool !== 'choose' || editor.readOnly) {
      return [];
    }
    const { points } = shape;
    const bad = editor.problemOf(shape)?.sides ?? [];
    const after = (n) => points[(n + 1) % points.length];
    const red = bad.filter((n) => n < points.length).map((n) => this.#segment([points[n], after(n)], 'badedge'));
    const between = shape.type === 'line' ? [] : points.flatMap((p, n) => this.#between(middle(p, after(n)), n));
    return [...red, ...between, ...points.flatMap((p, n) => this.#corner(p, n, points.length))];
  }

  #between(p, n) {
    return [this.#dot(p, 'vm', 3.6), this.#dot(p, 'vhit', 10, { 'data-side': n })];
  }

  #corner(p, n, count) {
    const isChosen = n === this.editor.corner;
    const label = `Corner ${n + 1} of ${count}: ${percent(p[0])} across, ${percent(p[1])} down`;
    return [
      this.#dot(p, `vh${isChosen ? ' on' : ''}`, isChosen ? 7 : 5.5),
      this.#dot(p, 'vhit', 16, { 'data-corner': n, tabindex: 0, role: 'button', 'aria-label': label }),
    ];
  }

  #draft() {
    const { draft, next } = this.editor;
    if (this.editor.tool === 'choose') {
      return [];
    }
    const lines = [];
    if (draft.length) {
      lines.push(svg('polyline', { class: 'halo', points: this.#points(draft) }));
      lines.push(svg('polyline', { class: 'draft', points: this.#points(draft) }));
    }
    if (draft.length && next) {
      lines.push(this.#segment([draft.at(-1), next.at], `draft${next.problem ? ' bad' : ''}`));
    }
    const corners = draft.map((p, n) => this.#dot(p, `vh${n === 0 ? ' first' : ''}`, 6));
    return [...lines, ...corners, ...(next ? this.#cross(next.at) : [])];
  }

  #cross(p) {
    const [x, y] = place(p, this.px);
    const d = `M${x - CROSS_PX} ${y}H${x + CROSS_PX}M${x} ${y - CROSS_PX}V${y + CROSS_PX}`;
    return [svg('path', { class: 'halo', d }), svg('path', { class: 'cross', d })];
  }

  #ends() {
    const { starts = [], ends = [] } = this.ends ?? {};
    return [
      ...starts.map((p) => this.#dot(p, 'endmark start', 3.5)),
      ...ends.map((p) => this.#dot(p, 'endmark stop', 4.5)),
    ];
  }

  #tag(shape) {
    const isLine = shape.type === 'line';
    const tag = el('span', { class: `ot-tag${shape.key === this.editor.chosen ? ' sel' : ''}` });
    if (!isLine) {
      tag.append(el('span', { class: `d k${shape.colour}` }));
    }
    const number = this.tagText(shape);
    tag.append(shape.name, ...(number ? [el('b', {}, number)] : []));
    const [x, y] = centre(shape.points);
    // A line's name stands on the side that its arrow leaves free.
    const { to } = isLine ? arrow(shape.points, shape.side, this.px, 1) : { to: null };
    const off = isLine ? Math.sign(y * this.px.height - to[1]) * 20 || -20 : 0;
    tag.style.left = `${Math.min(90, Math.max(10, x * 100))}%`;
    tag.style.top = `${Math.min(96, Math.max(4, ((y * this.px.height + off) / this.px.height) * 100))}%`;
    return tag;
  }

  /** Names that lie over each other step aside, upwards. */
  #untangle() {
    const boxes = [];
    const { top } = this.stage.getBoundingClientRect();
    for (const tag of this.tags.children) {
      let box = tag.getBoundingClientRect();
      const meets = (other) =>
        box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom;
      const other = boxes.find(meets);
      if (other && other.top - box.height > top) {
        tag.style.top = `${((other.top - box.height / 2 - 1 - top) / this.px.height) * 100}%`;
        box = tag.getBoundingClientRect();
      }
      boxes.push(box);
    }
  }

  #say() {
    const { editor } = this;
    const ofShape = editor.shape && editor.tool === 'choose' ? editor.problemOf(editor.shape) : null;
    const inPicture = ofShape && ofShape.code !== 'name' ? ofShape.words : '';
    const words = editor.message || inPicture || editor.next?.problem || '';
    if (this.message.textContent !== words) {
      this.message.textContent = words;
    }
    this.message.hidden = !words;
  }
}
