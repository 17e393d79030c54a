// The log-in page works without this; it adds the button that shows the password.

import { $ } from '../lib/dom.js';

const button = $('[data-shows]');
const field = document.getElementById(button.dataset.shows);

function show(on) {
  field.type = on ? 'text' : 'password';
  button.textContent = on ? 'Hide' : 'Show';
  button.setAttribute('aria-pressed', String(on));
}

button.hidden = false;
button.addEventListener('click', () => show(field.type === 'password'));
// Browsers offer to save only what was typed into a password field.
button.form.addEventListener('submit', () => show(false));
