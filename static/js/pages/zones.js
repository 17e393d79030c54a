// The Zones page: managers draw on the camera's empty picture, everybody sees what is counted.

import { get, put } from '../lib/api.js';
import { $, $$, el, press, readJson, segment, setText } from '../lib/dom.js';
import { clock, day, NONE } from '../lib/format.js';
import { MapEditor } from '../lib/map_editor.js';
import { keyAction } from '../lib/map_keys.js';
import { MapCanvas } from '../parts/map_canvas.js';
import { MapList } from '../parts/map_list.js';
import { MapPast } from '../parts/map_past.js';
import { MapWhatIf } from '../parts/map_what_if.js';
import { toast } from '../parts/toast.js';

const CHOOSING = [[['Tab'], 'next corner'], [['←', '↑', '→', '↓'], 'move'], [['Shift'], 'bigger steps'], [['Del'], 'remove corner'], [['+'], 'add corner'], [['Ctrl', 'Z'], 'undo']];
const DRAWING = [[['Click'], 'or'], [['Space'], 'put a corner'], [['Enter'], 'close the shape'], [['Backspace'], 'take back'], [['Esc'], 'stop']];
const LINING = [[['Click'], 'or'], [['Space'], 'put an end; the second one finishes'], [['Esc'], 'stop']];

const KIND_NOTE = 'Another kind changes old numbers too: it says which of them use the place.';

const page = readJson('page-context');
const zone = page.store.timezone;
const readOnly = page.role !== 'manager';
let map = readJson('camera-map');
const today = readJson('camera-today') ?? { zones: [], lines: [] };
const numbers = new Map([...today.zones, ...today.lines].map((each) => [each.id, each]));
const address = `${page.root}cameras/${map.camera.id}/`;
const root = $('[data-editor]');
const layers = { numbers: true, ends: false };
let isSaving = false;

const editor = new MapEditor(map, { readOnly, onChange: () => show() });
const list = new MapList({
  root: $('[data-list]'),
  empty: $('[data-empty]'),
  editor,
  kinds: page.kinds,
  numbers,
});
const canvas = new MapCanvas({
  root,
  editor,
  tagText: (shape) => (layers.numbers ? list.number(shape).replace(NONE, '') : ''),
});
const past = new MapPast({
  zone,
  editor,
  look: (shapes) => {
    canvas.old = shapes;
    canvas.draw();
  },
});
const whatIf = readOnly ? null : new MapWhatIf({
  root: $('[data-what-if]'),
  editor,
  address: `${address}what-if/`,
  zone,
  basis: () => map.basis,
});

function hints() {
  const keys = { zone: DRAWING, line: LINING }[editor.tool] ?? CHOOSING;
  const part = ([names, words]) => el('span', {}, ...names.map((name) => el('kbd', {}, name)), ` ${words}`);
  $('[data-hints]').replaceChildren(...(readOnly ? [] : keys.map(part)));
}

function saveWords() {
  const { problem, changes } = editor;
  if (problem && changes) {
    return [`“${problem.shape.name || 'Without a name'}” cannot be saved`, problem.words];
  }
  if (changes) {
    const note = editor.changesKind ? KIND_NOTE : 'Saving makes a new version from now on.';
    return [`${changes} ${changes === 1 ? 'change' : 'changes'} not saved`, note];
  }
  return ['No changes', 'Old numbers keep the outlines they were counted with.'];
}

function showBar() {
  const { problem, changes } = editor;
  const [title, note] = saveWords();
  setText($('[data-save-title]'), title);
  setText($('[data-save-note]'), note);
  const bar = $('[data-save-bar]');
  bar.classList.toggle('dirty', changes > 0);
  bar.classList.toggle('wrong', changes > 0 && Boolean(problem));
  $('[data-save]').disabled = isSaving || !changes || Boolean(problem);
  $('[data-discard]').disabled = isSaving || !changes;
  $('[data-undo]').disabled = !editor.past.length && !editor.draft.length;
  $('[data-redo]').disabled = !editor.future.length;
  press($('[data-tools]'), editor.tool);
}

function show() {
  canvas.draw();
  list.draw();
  past.drawEnded();
  if (!readOnly) {
    showBar();
    whatIf.update();
  }
  if (hints.shown !== editor.tool) {
    hints.shown = editor.tool;
    hints();
  }
}

/** Choose the shape that the server refused, and say why; the place is like zones.2.vertices. */
function tellRefusal(error) {
  const [place] = Object.keys(error.problem?.errors ?? {});
  const [kind, number] = (place ?? '').split('.');
  const refused = editor.shapes.filter(({ type }) => type === kind.replace(/s$/, ''))[Number(number)];
  if (refused) {
    editor.choose(refused.key);
  }
  toast(error.message);
}

/** Nothing is edited during a save: what is saved then replaces all that is drawn. */
function setSaving(saving) {
  isSaving = saving;
  $('[data-map]').inert = saving;
}

async function save() {
  setSaving(true);
  const { changesKind } = editor;
  showBar();
  try {
    map = await put(`${address}map/`, editor.wish(map.basis));
    setSaving(false);
    editor.reset(map);
    past.show(map);
    $('[data-saved]').hidden = false;
    $('[data-saved-kind]').hidden = !changesKind;
    show();
  } catch (error) {
    setSaving(false);
    tellRefusal(error);
    show();
    $('[data-save]').focus({ preventScroll: true }); // what is inert loses the focus
  }
}

async function showEnds() {
  const legend = $('[data-ends-legend]');
  legend.hidden = !layers.ends;
  canvas.ends = null;
  if (layers.ends) {
    try {
      const found = await get(`${address}track-ends/`);
      const span = found.since && `${found.starts.length} ways, ${day(found.since, zone)} ${clock(found.since, zone)} to ${day(found.until, zone)} ${clock(found.until, zone)}`;
      setText($('[data-ends-note]'), span || 'Nobody was followed by this camera yet.');
      canvas.ends = layers.ends ? found : null;
    } catch (error) {
      setText($('[data-ends-note]'), error.message);
    }
  }
  canvas.draw();
}

function toggle(node) {
  const on = node.getAttribute('aria-pressed') !== 'true';
  node.setAttribute('aria-pressed', String(on));
  return on;
}

function startTool(tool) {
  editor.setTool(tool);
  canvas.svg.focus({ preventScroll: true });
}

const DOES = {
  undo: () => editor.undo(),
  redo: () => editor.redo(),
  tool: ({ tool }) => startTool(tool),
  nudgeCorner: ({ by }) => editor.nudgeCorner(...by),
  nudgeAll: ({ by }) => editor.nudgeAll(...by),
  moveCursor: ({ by }) => editor.moveCursor(...by),
  insert: () => editor.insert(),
  remove: () => editor.remove(),
  put: () => editor.put(),
  finish: () => editor.finish(),
  takeBack: () => editor.takeBack(),
  stop: () => startTool('choose'),
  toShape: () => canvas.focusChosen(),
  leave: () => {
    editor.choose(null);
    canvas.svg.focus({ preventScroll: true });
  },
  choose: (_, target) => {
    editor.choose(target.closest('[data-key]').dataset.key);
    canvas.focusChosen(!readOnly);
  },
};
const MOVES_FOCUS = ['put', 'finish', 'insert', 'remove'];

function focusOf(target) {
  if (target === canvas.svg) {
    return 'picture';
  }
  if (target.dataset.corner !== undefined) {
    return 'corner';
  }
  return target.dataset.key && canvas.svg.contains(target) ? 'shape' : 'control';
}

function onKey(event) {
  const { target } = event;
  if (isSaving || target.closest('input, select, textarea, dialog')) {
    return;
  }
  const action = keyAction(event, { tool: editor.tool, on: focusOf(target) });
  const isAnywhere = ['undo', 'redo'].includes(action?.does);
  if (!action || (!isAnywhere && !root.contains(target))) {
    return;
  }
  event.preventDefault();
  if (action.does === 'nudgeAll' && target.dataset.key !== editor.chosen) {
    editor.choose(target.dataset.key);
  }
  DOES[action.does](action, target);
  if (MOVES_FOCUS.includes(action.does)) {
    canvas.focusChosen(true); // a shape that is done has the focus on its first corner
  }
}

function startEditing() {
  segment($('[data-tools]'), startTool);
  $('[data-new-zone]').addEventListener('click', () => startTool('zone'));
  $('[data-undo]').addEventListener('click', () => editor.undo());
  $('[data-redo]').addEventListener('click', () => editor.redo());
  $('[data-snap]').addEventListener('click', ({ currentTarget }) => {
    editor.snapping = toggle(currentTarget);
  });
  $('[data-discard]').addEventListener('click', () => {
    editor.discard();
    toast('Discarded. Undo brings your changes back.');
  });
  $('[data-save]').addEventListener('click', save);
  addEventListener('beforeunload', (event) => {
    if (editor.changes || editor.draft.length) {
      event.preventDefault();
    }
  });
}

$$('[data-layer]', root).forEach((node) => {
  node.addEventListener('click', () => {
    layers[node.dataset.layer] = toggle(node);
    if (node.dataset.layer === 'ends') {
      showEnds();
    } else {
      canvas.draw();
    }
  });
});
document.addEventListener('keydown', onKey);
if (!readOnly) {
  startEditing();
}
past.show(map);
show();
