// The administration's picture of a zone, a line or a camera's masks follows the numbers as they are
// typed, and says at once what would be refused.

import { $, svg } from '../lib/dom.js';
import { arrow, lineProblem, outlineProblem } from '../lib/polygon.js';

const SIZE = { width: 960, height: 540 };
const ARROW_PX = 40;
const WING_PX = 12;
const UNREADABLE = 'This is no list of corners yet. Check the brackets and commas.';

const field = (name) => document.getElementById(`id_${name}`);
const points = (corners) => corners.map((corner) => corner.join(',')).join(' ');
const isPoint = (p) => Array.isArray(p) && p.length === 2 && p.every((v) => typeof v === 'number');
const isOutline = (corners) => Array.isArray(corners) && corners.every(isPoint);

function typed(name) {
  try {
    return JSON.parse(field(name).value);
  } catch {
    return null;
  }
}

function zone() {
  const corners = typed('vertices');
  if (!isOutline(corners)) {
    return { shapes: null, words: UNREADABLE };
  }
  const problem = outlineProblem(corners);
  const colour = $('input[name="colour"]:checked')?.value ?? 1;
  const name = problem ? 'wrong' : `zp k${colour}`;
  return {
    shapes: [svg('polygon', { class: 'halo', points: points(corners) }), svg('polygon', { class: name, points: points(corners) })],
    words: problem?.words ?? '',
  };
}

function segment([[x1, y1], [x2, y2]], name) {
  return svg('line', { class: name, x1, y1, x2, y2 });
}

function line() {
  const ends = [typed('a'), typed('b')];
  if (!ends.every(isPoint)) {
    return { shapes: null, words: UNREADABLE };
  }
  const problem = lineProblem(ends);
  const picture = $('[data-preview]');
  const size = { ...SIZE, height: (SIZE.width * picture.clientHeight) / picture.clientWidth || SIZE.height };
  const { from, to, along: [nx, ny] } = arrow(ends, field('inside_side').value, size, ARROW_PX);
  const wing = (way) => [to[0] - nx * WING_PX - ny * WING_PX * way, to[1] - ny * WING_PX + nx * WING_PX * way];
  const share = ([x, y]) => `${x / size.width} ${y / size.height}`;
  const d = `M${share(from)}L${share(to)}M${share(wing(1))}L${share(to)}L${share(wing(-1))}`;
  return {
    shapes: [segment(ends, 'halo wide'), segment(ends, 'cline'), svg('path', { class: 'halo wide', d }), svg('path', { class: 'carrow', d })],
    words: problem?.words ?? '',
  };
}

function masks() {
  const outlines = typed('ignore_masks');
  if (!Array.isArray(outlines) || !outlines.every(isOutline)) {
    return { shapes: null, words: UNREADABLE };
  }
  const problems = outlines.map(outlineProblem);
  return {
    shapes: outlines.map((corners, n) => svg('polygon', { class: problems[n] ? 'wrong' : 'mask', points: points(corners) })),
    words: problems.find(Boolean)?.words ?? '',
  };
}

const KINDS = [['vertices', zone], ['inside_side', line], ['ignore_masks', masks]];
const draw = KINDS.find(([name]) => field(name))?.[1];

function show() {
  const { shapes, words } = draw();
  if (shapes) {
    $('[data-drawn]').replaceChildren(...shapes);
  }
  $('[data-preview-words]').textContent = words;
}

if (draw && $('[data-preview]')) {
  $('[data-preview]').closest('form').addEventListener('input', show);
  // The arrow's right angle needs the picture's own form.
  $('[data-preview] img')?.addEventListener('load', show);
  show();
}
