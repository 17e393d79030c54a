// Dashboard: the server renders every number; a choice in the period's form asks for the page anew.

import { $, readJson } from '../lib/dom.js';
import { startMovement } from '../parts/movement.js';
import { startBars } from '../parts/span_bars.js';
import { verifiedPart } from '../parts/verified.js';

verifiedPart(readJson('page-context').api);

const form = $('form.period');
form.addEventListener('change', (event) => {
  if (event.target.validity.valid) {
    form.requestSubmit();
  }
});

startBars(readJson('page-context').store);
startMovement(readJson('page-context'));
