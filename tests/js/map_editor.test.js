import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MapEditor } from '../../static/js/lib/map_editor.js';

const SQUARE = [[0.1, 0.1], [0.4, 0.1], [0.4, 0.4], [0.1, 0.4]];
const ZONE = { id: 'z', name: 'Till', kind: 'queue', colour: 1, vertices: SQUARE, min_dwell_s: 3, grace_s: 2 };
const LINE = { id: 'l', name: 'Door', kind: 'entrance', a: [0.2, 0.9], b: [0.8, 0.9], inside_side: 'right', band: 0.02 };
const MAP = { zones: [ZONE], lines: [LINE], ended_zones: [{ ...ZONE, id: 'e', name: 'Old' }], ended_lines: [] };

function editor(options) {
  return new MapEditor(structuredClone(MAP), options);
}

function draw(map, tool, points) {
  map.setTool(tool);
  points.forEach((p) => map.put(p));
  return map;
}

test('nothing changed is nothing to save, and what was read is what is sent', () => {
  const map = editor();
  assert.deepEqual([map.changes, map.problem], [0, null]);
  const { id, name, kind, a, b, inside_side, band } = LINE;
  assert.deepEqual(map.wish('x'), { basis: 'x', zones: [ZONE], lines: [{ id, name, kind, a, b, inside_side, band }] });
});

test('a drag is one step of undo, and redo does it again', () => {
  const map = editor();
  map.choose('z', 2);
  for (const x of [0.41, 0.45, 0.5]) {
    map.dragCorner([x, 0.5], 'drag 1');
  }
  assert.deepEqual(map.shape.points[2], [0.5, 0.5]);
  map.undo();
  assert.deepEqual([map.shape.points, map.changes, map.past.length], [SQUARE, 0, 0]);
  map.redo();
  assert.deepEqual(map.shape.points[2], [0.5, 0.5]);
  assert.equal(map.changes, 1);
});

test('another drag is another step, and a change forgets what was undone', () => {
  const map = editor();
  map.choose('z', 2);
  map.dragCorner([0.5, 0.5], 'drag 1');
  map.dragCorner([0.6, 0.5], 'drag 2');
  map.undo();
  assert.deepEqual(map.shape.points[2], [0.5, 0.5]);
  map.insert();
  map.redo();
  assert.equal(map.shape.points.length, 5);
  assert.deepEqual(map.shape.points[2], [0.5, 0.5]);
});

test('arrow keys in a row are one step of undo until something else is chosen', () => {
  const map = editor();
  map.choose('z', 0);
  map.nudgeCorner(1, 0);
  map.nudgeCorner(10, 0);
  assert.deepEqual(map.shape.points[0], [0.1115, 0.1]);
  map.choose('z', 1);
  map.nudgeCorner(0, 10);
  map.undo();
  map.undo();
  assert.deepEqual(map.shape.points, SQUARE);
  map.undo();
  assert.deepEqual(map.shape.points, SQUARE);
});

test('many small steps come to the same place as few large ones, and back', () => {
  const map = editor();
  map.choose('z', 0);
  for (let n = 0; n < 48; n += 1) {
    map.nudgeCorner(1, 0);
  }
  assert.deepEqual(map.shape.points[0], [0.15, 0.1]);
  for (let n = 0; n < 48; n += 1) {
    map.nudgeCorner(-1, 0);
  }
  assert.deepEqual(map.shape.points, SQUARE);
  for (let n = 0; n < 30; n += 1) {
    map.nudgeCorner(-10, 0);
  }
  map.nudgeCorner(9.6, 0);
  assert.deepEqual(map.shape.points[0][0] < 0.0201, true);
});

test('the whole shape moves and keeps its form', () => {
  const map = editor();
  map.choose('z');
  map.nudgeAll(96, 54);
  assert.deepEqual(map.shape.points, [[0.2, 0.2], [0.5, 0.2], [0.5, 0.5], [0.2, 0.5]]);
});

test('corners are put in and taken away, but never below three', () => {
  const map = editor();
  map.choose('z', 3);
  map.insert();
  assert.deepEqual([map.shape.points[4], map.corner], [[0.1, 0.25], 4]);
  map.remove();
  map.remove();
  assert.equal(map.shape.points.length, 3);
  map.remove();
  assert.equal(map.shape.points.length, 3);
  assert.match(map.message, /at least 3 corners/);
  map.choose('l');
  map.remove();
  map.insert();
  assert.equal(map.shape.points.length, 2);
});

test('a zone is drawn corner by corner and closed on its first one', () => {
  const map = draw(editor(), 'zone', [[0.6, 0.6], [0.9, 0.6], [0.9, 0.8]]);
  assert.equal(map.shapes.length, 2);
  map.put([0.601, 0.601]);
  const { id, name, colour, points, kind } = map.shape;
  assert.deepEqual({ id, name, colour, points, kind }, {
    id: null, name: 'New zone', colour: 2, kind: 'display', points: [[0.6, 0.6], [0.9, 0.6], [0.9, 0.8]],
  });
  assert.equal(map.tool, 'choose');
  map.undo();
  assert.deepEqual([map.shapes.length, map.chosen], [2, null]);
  map.redo();
  assert.equal(map.shape.name, 'New zone');
});

test('a corner whose side would cross is refused with the reason, and nothing is put', () => {
  const map = draw(editor(), 'zone', [[0.6, 0.6], [0.9, 0.6], [0.9, 0.9]]);
  map.pointTo([0.7, 0.5]);
  assert.match(map.next.problem, /would cross/);
  map.put([0.7, 0.5]);
  assert.match(map.message, /would cross/);
  assert.equal(map.draft.length, 3);
  map.put([0.7, 0.7]);
  assert.deepEqual([map.message, map.draft.length], ['', 4]);
});

test('a shape is not closed where its last side would cross or there are too few corners', () => {
  const map = draw(editor(), 'zone', [[0.6, 0.6], [0.9, 0.6]]);
  assert.equal(map.finish(), false);
  assert.match(map.message, /at least 3/);
  map.put([0.9, 0.9]);
  map.put([0.6, 0.7]);
  map.put([0.7, 0.5]);
  assert.equal(map.draft.length, 4);
  map.takeBack();
  assert.equal(map.finish(), true);
});

test('undo while drawing takes the last corner back', () => {
  const map = draw(editor(), 'zone', [[0.6, 0.6], [0.9, 0.6]]);
  map.undo();
  assert.deepEqual(map.draft, [[0.6, 0.6]]);
});

test('a line is done with its second end, and its arrow flips', () => {
  const map = draw(editor(), 'line', [[0.5, 0.7], [0.5, 0.7], [0.9, 0.7]]);
  assert.deepEqual(map.shape.points, [[0.5, 0.7], [0.9, 0.7]]);
  assert.equal(map.shape.side, 'right');
  map.flip();
  assert.equal(map.wish('').lines[1].inside_side, 'left');
  map.undo();
  assert.equal(map.shape.side, 'right');
});

test('the same places by pointer and by keys end in the same outline', () => {
  const byPointer = draw(editor(), 'zone', [[0.5993, 0.601], [0.9004, 0.599], [0.9, 0.8]]);
  byPointer.finish();
  const byKeys = editor();
  byKeys.setTool('zone');
  for (const [right, down] of [[96, 54], [288, 0], [0, 108]]) {
    byKeys.moveCursor(right, down);
    byKeys.put();
  }
  byKeys.finish();
  assert.deepEqual(byKeys.shape.points, byPointer.shape.points);
});

test('what crosses itself keeps the map from being saved, and says so', () => {
  const map = editor();
  map.choose('z', 1);
  map.dragCorner([0.25, 0.6], 'drag');
  assert.deepEqual([map.problem.shape.name, map.problem.sides], ['Till', [0, 2]]);
  map.undo();
  assert.equal(map.problem, null);
});

test('names are there, are not twice, and not those of ended ones', () => {
  const map = draw(editor(), 'zone', [[0.6, 0.6], [0.9, 0.6], [0.9, 0.8]]);
  map.finish();
  for (const [name, reason] of [[' ', /Give it a name/], ['Till', /Two have/], ['Old', /was ended/], ['x'.repeat(81), /at most 80/]]) {
    map.set('name', name);
    assert.match(map.problem.words, reason);
  }
  map.set('name', 'Door');
  assert.equal(map.problem, null);
});

test('an ended shape is brought back once, and its name is its own again', () => {
  const map = editor();
  map.bringBack('e');
  map.bringBack('e');
  assert.deepEqual([map.shapes.length, map.shape.name, map.problem, map.changes], [3, 'Old', null, 1]);
  assert.equal(map.wish('').zones[1].id, 'e');
});

test('a removed shape counts as a change and comes back by undo', () => {
  const map = editor();
  map.choose('l');
  map.removeShape();
  assert.deepEqual([map.chosen, map.changes, map.wish('').lines], [null, 1, []]);
  map.undo();
  assert.deepEqual([map.chosen, map.changes], ['l', 0]);
});

test('discarding goes back to what is stored, and undo brings the changes back', () => {
  const map = draw(editor(), 'line', [[0.5, 0.7], [0.9, 0.7]]);
  map.choose('z', 2);
  map.nudgeCorner(3, 3);
  map.discard();
  assert.deepEqual([map.changes, map.shapes.length], [0, 2]);
  map.undo();
  assert.deepEqual([map.changes, map.shapes.length], [2, 3]);
});

test('numbers typed in move the corner, and what is no number does not', () => {
  const map = editor();
  map.choose('z', 2);
  map.setPlace(2, 0, 45.5);
  map.setPlace(2, 1, Number.NaN);
  assert.deepEqual(map.shape.points[2], [0.455, 0.4]);
});

test('who may only look changes nothing', () => {
  const map = editor({ readOnly: true });
  draw(map, 'zone', []);
  map.choose('z', 1);
  map.nudgeCorner(5, 5);
  map.remove();
  map.insert();
  map.flip();
  map.removeShape();
  map.bringBack('e');
  assert.deepEqual([map.tool, map.changes, map.past.length], ['choose', 0, 0]);
});

test('a new zone takes the colour that is used least and a name of its own', () => {
  const map = editor();
  for (let n = 0; n < 2; n += 1) {
    draw(map, 'zone', [[0.6, 0.6], [0.9, 0.6], [0.9, 0.8]]);
    map.finish();
  }
  assert.deepEqual([map.shape.colour, map.shape.name], [3, 'New zone 2']);
});

test('after saving, the stored map is where it starts from', () => {
  const map = editor();
  map.choose('z');
  map.nudgeAll(5, 0);
  map.reset({ ...MAP, zones: [{ ...ZONE, vertices: map.shape.points }] });
  assert.deepEqual([map.changes, map.past.length, map.chosen], [0, 0, 'z']);
});

test('the name of a shape that this save ends is not given to another', () => {
  const map = draw(editor(), 'zone', [[0.5, 0.5], [0.8, 0.5], [0.8, 0.8], [0.5, 0.5]]);
  const stored = map.shape;
  map.reset({ ...MAP, zones: [ZONE, { ...ZONE, id: 'n', name: stored.name, vertices: stored.points }] });
  map.choose('n');
  map.removeShape();
  draw(map, 'zone', [[0.5, 0.5], [0.8, 0.5], [0.8, 0.8], [0.5, 0.5]]);
  assert.deepEqual([map.shape.name, map.problem], ['New zone 2', null]);
  map.set('name', 'New zone');
  assert.match(map.problem.words, /“New zone” is the name of one that was ended/);
  map.discard();
  assert.equal(map.problem, null);
});

test('a name that a drawn shape has given up is free, as it is for the server', () => {
  const map = editor();
  map.choose('z');
  map.set('name', 'Counter');
  draw(map, 'zone', [[0.5, 0.5], [0.8, 0.5], [0.8, 0.8], [0.5, 0.5]]);
  map.set('name', 'Till');
  assert.equal(map.problem, null);
});

test('another kind of what is stored is told apart from other changes', () => {
  const map = editor();
  map.choose('z');
  map.set('name', 'Counter');
  draw(map, 'zone', [[0.5, 0.5], [0.8, 0.5], [0.8, 0.8], [0.5, 0.5]]);
  map.set('kind', 'queue');
  assert.equal(map.changesKind, false);
  map.choose('z');
  map.set('kind', 'display');
  assert.equal(map.changesKind, true);
  map.undo();
  assert.equal(map.changesKind, false);
  map.bringBack('e');
  map.set('kind', 'display');
  assert.equal(map.changesKind, true);
});
