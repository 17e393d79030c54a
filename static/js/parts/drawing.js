// Draws zones, lines, people and trails over a picture. Positions are fractions of the frame.

import { $, el, svg } from '../lib/dom.js';

const WIDTH = 960;
const ARROW = 16;
// Nearer than this to the picture's edge a word above or below a mark would be cut off.
const EDGE = 0.12;

const spotOf = ([, x, y]) => [x, y];
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

function placed(x, y, attributes, ...children) {
  const tag = el('span', attributes, ...children);
  // The CSP forbids a style attribute; setting the property is allowed.
  tag.style.left = `${clamp(x * 100, 4, 96)}%`;
  tag.style.top = `${clamp(y * 100, 2.6, 96)}%`;
  return tag;
}

export class Drawing {
  constructor(root) {
    this.root = $('[data-drawing]', root);
    this.groups = {};
    for (const name of ['zones', 'lines', 'trails', 'boxes', 'zone-tags', 'box-tags']) {
      this.groups[name] = $(`[data-${name}]`, root);
    }
    this.resize(16, 9);
  }

  resize(width, height) {
    this.height = (WIDTH * height) / width;
    this.root.setAttribute('viewBox', `0 0 ${WIDTH} ${this.height}`);
  }

  #points(pairs) {
    return pairs.map(([x, y]) => `${(x * WIDTH).toFixed(1)},${(y * this.height).toFixed(1)}`).join(' ');
  }

  camera({ zones, lines }) {
    const shapes = zones.flatMap((zone) => {
      const points = this.#points(zone.vertices);
      return [
        svg('polygon', { class: 'halo', points }),
        svg('polygon', { class: `zp k${zone.colour}`, points }),
      ];
    });
    this.groups.zones.replaceChildren(...shapes);
    this.groups['zone-tags'].replaceChildren(...zones.map((zone) => this.#zoneTag(zone)));
    this.groups.lines.replaceChildren(...lines.flatMap((line) => this.#line(line)));
  }

  #zoneTag(zone) {
    const x = zone.vertices.reduce((sum, vertex) => sum + vertex[0], 0) / zone.vertices.length;
    const y = Math.max(...zone.vertices.map((vertex) => vertex[1])) - 0.03;
    const mark = el('span', { class: `d k${zone.colour}` });
    return placed(x, y, { class: 'ot-tag ztag' }, mark, zone.name);
  }

  /** The line, and at its middle an arrow towards the inside. */
  #line({ a, b, inside_side: side }) {
    const [x1, y1, x2, y2] = [a[0] * WIDTH, a[1] * this.height, b[0] * WIDTH, b[1] * this.height];
    const length = Math.hypot(x2 - x1, y2 - y1) || 1;
    const sign = side === 'left' ? -1 : 1;
    const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
    // Walking from a to b with y downwards, the right hand is at (-uy, ux).
    const [nx, ny] = [-uy * sign, ux * sign];
    const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
    const tip = [mx + nx * ARROW * 1.6, my + ny * ARROW * 1.6];
    const wing = (way) => [
      tip[0] - nx * 8 + ux * 7 * way,
      tip[1] - ny * 8 + uy * 7 * way,
    ];
    const path = `M${mx} ${my}L${tip.join(' ')}M${wing(1).join(' ')}L${tip.join(' ')}L${wing(-1).join(' ')}`;
    return [
      svg('line', { class: 'halo wide', x1, y1, x2, y2 }),
      svg('line', { class: 'cline', x1, y1, x2, y2 }),
      svg('path', { class: 'halo wide', d: path }),
      svg('path', { class: 'carrow', d: path }),
    ];
  }

  people(people) {
    const boxes = people.flatMap(({ box: [x1, y1, x2, y2] }) => {
      const place = {
        x: x1 * WIDTH,
        y: y1 * this.height,
        width: (x2 - x1) * WIDTH,
        height: (y2 - y1) * this.height,
        rx: 4,
      };
      return [svg('rect', { class: 'halo', ...place }), svg('rect', { class: 'pb', ...place })];
    });
    const tags = people.map(({ track, box: [x1, y1, x2] }) =>
      placed((x1 + x2) / 2, y1 - 0.022, { class: 'ot-tag' }, String(track)),
    );
    this.groups.boxes.replaceChildren(...boxes);
    this.groups['box-tags'].replaceChildren(...tags);
    const label = people.length === 1 ? '1 person is followed' : `${people.length} people are followed`;
    this.root.setAttribute('aria-label', label);
  }

  /** A whole way: pieces of [time_ms, x, y], dotted from the end of one to the start of the next. */
  way(pieces) {
    const gaps = pieces.slice(1).map((piece, index) => this.#points([spotOf(pieces[index].at(-1)), spotOf(piece[0])]));
    const lines = pieces.map((piece) => this.#points(piece.map(spotOf)));
    this.groups.trails.replaceChildren(
      ...gaps.map((points) => svg('polyline', { class: 'way-gap', points })),
      ...lines.map((points) => svg('polyline', { class: 'halo wide', points })),
      ...lines.map((points) => svg('polyline', { class: 'way-line', points })),
    );
  }

  /** Points of a way with a word each: `here` is the one that it is all about. */
  marks(marks) {
    const shapes = marks.flatMap(({ kind, at: [x, y] }) => {
      const spot = { cx: x * WIDTH, cy: y * this.height };
      const ring = kind === 'here' ? [svg('circle', { class: 'mk ring', r: 13, ...spot })] : [];
      return [...ring, svg('circle', { class: `mk ${kind}`, r: kind === 'here' ? 6 : 5, ...spot })];
    });
    this.walker = svg('circle', { class: 'mk walker', r: 6, visibility: 'hidden' });
    this.groups.boxes.replaceChildren(...shapes, this.walker);
    // Two words at one spot stand above it and below it, clear of the marks and within the picture.
    const tags = marks.map(({ label, at: [x, y] }, index) => {
      const under = index % 2 ? y < 1 - EDGE : y < EDGE;
      return placed(x, y, { class: `ot-tag ${under ? 'under' : 'above'}` }, label);
    });
    this.groups['box-tags'].replaceChildren(...tags);
  }

  /** Who walks along the way, at [x, y]; nowhere for null. */
  walk(at) {
    this.walker.setAttribute('visibility', at ? 'visible' : 'hidden');
    if (at) {
      this.walker.setAttribute('cx', at[0] * WIDTH);
      this.walker.setAttribute('cy', at[1] * this.height);
    }
  }

  /** `trails` is a list of lists of [time_ms, x, y]. */
  trails(trails) {
    const shapes = trails
      .filter((trail) => trail.length)
      .flatMap((trail) => {
        const points = this.#points(trail.map(([, x, y]) => [x, y]));
        const [, x, y] = trail.at(-1);
        return [
          svg('polyline', { class: 'halo', points }),
          svg('polyline', { class: 'tr', points }),
          svg('circle', { class: 'foot', cx: x * WIDTH, cy: y * this.height, r: 4 }),
        ];
      });
    this.groups.trails.replaceChildren(...shapes);
  }
}
