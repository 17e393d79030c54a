// Dashboard: the server renders every number; a choice in the period's form asks for the page anew.

import { $ } from '../lib/dom.js';

const form = $('form.period');
form.addEventListener('change', (event) => {
  if (event.target.validity.valid) {
    form.requestSubmit();
  }
});
