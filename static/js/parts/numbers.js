// The store's numbers now, and beside them those of the recording on show. Both come from the
// snapshot alone.

import { eventsAddress, visitsAddress } from '../lib/behind.js';
import { $, setProgress, setText } from '../lib/dom.js';
import { clock, clockSpan, count, day, duration, finder } from '../lib/format.js';
import { isBad, isCountedAgain, isWorking, nowNote, progressWords } from '../lib/words.js';

/** A number as a link to what is behind it; where it is not known there is nothing behind it. */
function showLinked(node, value, href) {
  setText(node, count(value));
  if (value === null || value === undefined) {
    node.removeAttribute('href');
  } else if (node.getAttribute('href') !== href) {
    node.setAttribute('href', href);
  }
}

function showNow({ occupancy, today, business_day: businessDay }, { slug, timezone: zone }) {
  const known = occupancy.now !== null;
  const hero = $('[data-occupancy]');
  setText(hero, known ? count(occupancy.now) : 'Not known');
  hero.classList.toggle('words', !known);
  const span = { from: businessDay.date, to: businessDay.date };
  showLinked($('[data-today-in]'), today.entries, eventsAddress(slug, { of: 'entries', ...span }));
  showLinked($('[data-today-out]'), today.exits, eventsAddress(slug, { of: 'exits', ...span }));
  setText($('[data-now-note]'), nowNote(occupancy, businessDay, zone));
}

function spanWords(recording, zone) {
  const { started_at: start, ended_at: end } = recording;
  if (recording.source === 'image') {
    return `${day(start, zone)}, ${clock(start, zone)}`;
  }
  return `${day(start, zone)}, ${clockSpan(start, end, zone)}`;
}

function noteWords(recording) {
  if (isBad(recording)) {
    return recording.error ? `${recording.error.what} ${recording.error.next_step}` : recording.state_text;
  }
  const why = recording.recount?.text ?? '';
  if (recording.state === 'partial') {
    const [read, whole] = [recording.decoded_s, recording.declared_s].map(duration);
    return `Only ${read} of ${whole} could be read. These numbers are for that part. ${why}`.trim();
  }
  return why;
}

function showCounts({ id: recording, numbers }, slug) {
  const events = (of) => eventsAddress(slug, { of, recording });
  showLinked($('[data-rec-in]'), numbers.entries, events('entries'));
  showLinked($('[data-rec-out]'), numbers.exits, events('exits'));
  showLinked($('[data-rec-visits]'), numbers.visits, visitsAddress(slug, { recording }));
}

function showRecording(recording, { slug, timezone: zone }) {
  $('[data-recording-none]').hidden = Boolean(recording);
  $('[data-recording-some]').hidden = !recording;
  if (!recording) {
    return;
  }
  const { numbers } = recording;
  const working = isWorking(recording);
  setText($('[data-recording-name]'), recording.name);
  setText($('[data-recording-span]'), `${recording.camera.name} · ${spanWords(recording, zone)}`);
  showCounts(recording, slug);
  setText($('[data-rec-inside-label]'), working ? 'Inside so far' : 'Inside at the end');
  setText($('[data-rec-inside]'), count(numbers.inside_now));
  setText($('[data-rec-stay]'), duration(numbers.median_stay_s));
  const isImage = recording.source === 'image';
  setText($('[data-rec-counted]'), isImage ? count(null) : duration(numbers.counted_to_ms / 1000));
  setText($('[data-rec-finder]'), finder(recording.run?.detector_title));
  const progress = $('[data-rec-progress]');
  const again = isCountedAgain(recording);
  progress.hidden = !working && !again;
  setProgress($('progress', progress), again ? recording.recount.progress : recording.progress);
  setText($('[data-rec-progress-text]'), again ? '' : progressWords(recording));
  const note = $('[data-rec-note]');
  setText(note, noteWords(recording));
  note.hidden = !note.textContent;
}

/** `store` is the page's: its slug and its time zone. */
export function showNumbers(snapshot, store) {
  showNow(snapshot, store);
  showRecording(snapshot.recording, store);
}

/** Grey while the connection is lost: the numbers may be old. */
export function markStale(stale) {
  for (const name of ['[data-now-card]', '[data-recording-card]', '[data-zones-card]']) {
    $(name).classList.toggle('stale', stale);
  }
}
