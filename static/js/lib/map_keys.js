// What a key does in the drawing. Letters count only while the drawing has the focus, so that nobody
// who types or speaks elsewhere draws by accident.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const TOOLS = { v: 'choose', p: 'zone', l: 'line' };
const BIG_STEP = 10;

function undoKey({ key, ctrlKey, metaKey, shiftKey }) {
  if (!ctrlKey && !metaKey) {
    return null;
  }
  const letter = key.toLowerCase();
  if (letter === 'z') {
    return shiftKey ? 'redo' : 'undo';
  }
  return letter === 'y' ? 'redo' : null;
}

/** What a key does while a shape is drawn. */
function drawingKey(key, isOnControl) {
  if (key === 'Escape') {
    return { does: 'stop' };
  }
  if (isOnControl) {
    return null; // a button that has the focus is pressed by these
  }
  return { ' ': { does: 'put' }, Enter: { does: 'finish' }, Backspace: { does: 'takeBack' } }[key] ?? null;
}

/** What a key does to what has the focus: a corner, a shape, or the picture. */
function choosingKey(key, on) {
  if (key === 'Escape') {
    return { does: on === 'corner' ? 'toShape' : 'leave' };
  }
  if (on === 'corner') {
    return { Delete: { does: 'remove' }, Backspace: { does: 'remove' }, '+': { does: 'insert' } }[key] ?? null;
  }
  return on === 'shape' && (key === 'Enter' || key === ' ') ? { does: 'choose' } : null;
}

/**
 * Returns {does, ...} or null where the key is none of ours.
 *
 * @param {KeyboardEvent} event or what looks like one
 * @param {{tool: string, on: 'corner'|'shape'|'picture'|'control'}} where
 */
export function keyAction(event, { tool, on }) {
  const undo = undoKey(event);
  if (undo) {
    return { does: undo };
  }
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return null;
  }
  const { key, shiftKey } = event;
  if (TOOLS[key.toLowerCase()]) {
    return { does: 'tool', tool: TOOLS[key.toLowerCase()] };
  }
  const isDrawing = tool !== 'choose';
  if (ARROWS[key] && on !== 'control') {
    const [x, y] = ARROWS[key].map((step) => step * (shiftKey ? BIG_STEP : 1));
    const what = isDrawing ? 'moveCursor' : { corner: 'nudgeCorner', shape: 'nudgeAll' }[on];
    return what ? { does: what, by: [x, y] } : null;
  }
  return isDrawing ? drawingKey(key, on === 'control') : choosingKey(key, on);
}
