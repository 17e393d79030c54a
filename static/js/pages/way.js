// The page of an event or of a visit: the way is drawn, and on a visit's strip of stays a line
// stands where its walker is.

import { $, readJson } from '../lib/dom.js';
import { Way } from '../parts/way.js';

const page = readJson('page-context');
const visit = readJson('visit-span');
const line = $('[data-strip-now]');

function onMoment(at) {
  if (!line || !visit) {
    return;
  }
  const [begin, end] = [visit.entered_at, visit.ends_at].map(Date.parse);
  const share = end > begin ? (at - begin) / (end - begin) : 0;
  line.hidden = share < 0 || share > 1;
  line.style.left = `${share * 100}%`;
}

new Way({ told: readJson('way-drawing'), zone: page.store.timezone, onMoment });
