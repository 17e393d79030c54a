import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keyAction } from '../../static/js/lib/map_keys.js';

const press = (key, where, modifiers = {}) =>
  keyAction({ key, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...modifiers }, where);
const CORNER = { tool: 'choose', on: 'corner' };
const SHAPE = { tool: 'choose', on: 'shape' };
const DRAWING = { tool: 'zone', on: 'picture' };

test('every action of the drawing has its key', () => {
  const table = [
    ['v', CORNER, { does: 'tool', tool: 'choose' }],
    ['P', CORNER, { does: 'tool', tool: 'zone' }],
    ['l', SHAPE, { does: 'tool', tool: 'line' }],
    ['ArrowLeft', CORNER, { does: 'nudgeCorner', by: [-1, 0] }],
    ['ArrowDown', SHAPE, { does: 'nudgeAll', by: [0, 1] }],
    ['ArrowUp', DRAWING, { does: 'moveCursor', by: [0, -1] }],
    ['+', CORNER, { does: 'insert' }],
    ['Delete', CORNER, { does: 'remove' }],
    ['Backspace', CORNER, { does: 'remove' }],
    ['Enter', SHAPE, { does: 'choose' }],
    ['Escape', CORNER, { does: 'toShape' }],
    ['Escape', SHAPE, { does: 'leave' }],
    [' ', DRAWING, { does: 'put' }],
    ['Enter', DRAWING, { does: 'finish' }],
    ['Backspace', DRAWING, { does: 'takeBack' }],
    ['Escape', DRAWING, { does: 'stop' }],
    ['Delete', SHAPE, null],
    ['x', CORNER, null],
  ];
  for (const [key, where, wanted] of table) {
    assert.deepEqual(press(key, where), wanted, key);
  }
});

test('with Shift an arrow goes ten pixels', () => {
  assert.deepEqual(press('ArrowRight', CORNER, { shiftKey: true }).by, [10, 0]);
});

test('undo and redo go by Ctrl and by Cmd, whatever has the focus', () => {
  const control = { tool: 'choose', on: 'control' };
  assert.deepEqual(press('z', control, { ctrlKey: true }), { does: 'undo' });
  assert.deepEqual(press('Z', control, { metaKey: true, shiftKey: true }), { does: 'redo' });
  assert.deepEqual(press('y', DRAWING, { ctrlKey: true }), { does: 'redo' });
  assert.equal(press('p', CORNER, { ctrlKey: true }), null);
  assert.equal(press('v', CORNER, { altKey: true }), null);
});

test('a button that has the focus keeps Space, Enter and the arrows', () => {
  for (const key of [' ', 'Enter', 'ArrowLeft', 'Delete']) {
    assert.equal(press(key, { tool: 'zone', on: 'control' }), null);
    assert.equal(press(key, { tool: 'choose', on: 'control' }), null);
  }
});
