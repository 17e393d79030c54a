// A short message that goes by itself.

import { $, el } from '../lib/dom.js';

const SHOWN_MS = 6000;

export function toast(text) {
  const message = el('div', { class: 'toast2' }, text);
  $('.toasts').append(message);
  setTimeout(() => message.remove(), SHOWN_MS);
}
