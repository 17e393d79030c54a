// The card "Every 5 minutes": the store's last two hours or the recording's span, as chart or table.

import { endOf, noteOf } from '../lib/bars.js';
import { eventsAddress } from '../lib/behind.js';
import { $, $$, el, press, segment, setText } from '../lib/dom.js';
import { clock, count } from '../lib/format.js';
import { unseenWords } from '../lib/words.js';
import { fiveChart } from './five_chart.js';

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function row(bucket, zone, addressOf) {
  const seen = bucket.entries !== null;
  const number = (of, value) =>
    el('td', { class: 'num' }, seen ? el('a', { class: 'behind', href: addressOf(of, bucket) }, count(value)) : count(value));
  return el(
    'tr',
    { class: seen ? null : 'nodata' },
    el('th', { scope: 'row' }, clock(bucket.starts_at, zone)),
    number('entries', bucket.entries),
    number('exits', bucket.exits),
    el('td', { class: 'muted' }, capital(noteOf(bucket))),
  );
}

export class FiveMinutes {
  constructor(zone, slug) {
    this.zone = zone;
    this.slug = slug;
    this.snapshot = { buckets: [], recording: null };
    this.chosen = null;
    this.chart = fiveChart(
      $('[data-five-chart]'),
      () => ({ buckets: this.#buckets(), zone }),
      (bucket) => location.assign(this.#address('steps', bucket)),
    );
    this.choice = $('[data-seg="five-of"]');
    segment(this.choice, (of) => {
      this.chosen = of;
      this.#draw();
    });
    this.as = 'chart';
    segment($('[data-seg="five-as"]'), (as) => {
      this.as = as;
      this.#draw();
    });
  }

  show(snapshot) {
    this.snapshot = snapshot;
    $('[data-value="recording"]', this.choice).disabled = !this.#hasRecording();
    press(this.choice, this.#of());
    this.#draw();
  }

  /** Where the events of five minutes are listed: the store's, or those of the recording. */
  #address(of, { starts_at: at }) {
    const until = new Date(endOf(at)).toISOString();
    const { recording } = this.snapshot;
    return eventsAddress(this.slug, {
      of,
      at,
      until,
      ...(this.#of() === 'recording' ? { recording: recording.id } : {}),
    });
  }

  #hasRecording() {
    return Boolean(this.snapshot.recording?.buckets?.length);
  }

  /** What was chosen; until then the time of which something was seen. */
  #of() {
    if (!this.#hasRecording()) {
      return 'store';
    }
    const storeSeen = this.snapshot.buckets.some((bucket) => bucket.entries !== null);
    return this.chosen ?? (storeSeen ? 'store' : 'recording');
  }

  #buckets() {
    return this.#of() === 'recording' ? this.snapshot.recording.buckets : this.snapshot.buckets;
  }

  /** A chart of nothing but hatching says less than a sentence. */
  #choose(anySeen) {
    for (const view of $$('[data-five-view]')) {
      view.hidden = view.dataset.fiveView !== this.as || (this.as === 'chart' && !anySeen);
    }
    const unseen = $('[data-five-unseen]');
    unseen.hidden = anySeen || this.as !== 'chart';
    const [title, words] = unseenWords(this.#of(), this.snapshot.recording);
    setText($('[data-five-unseen-title]'), title);
    setText($('[data-five-unseen-words]'), words);
  }

  #draw() {
    const buckets = this.#buckets();
    $('[data-five-rows]').replaceChildren(
      ...[...buckets].reverse().map((bucket) => row(bucket, this.zone, (...of) => this.#address(...of))),
    );
    const seen = buckets.filter((bucket) => bucket.entries !== null);
    const sum = (name) => seen.reduce((total, bucket) => total + bucket[name], 0);
    const label = buckets.length
      ? `From ${clock(buckets[0].starts_at, this.zone)}: ${sum('entries')} came in, ` +
        `${sum('exits')} went out, ${buckets.length - seen.length} of ${buckets.length} steps not seen`
      : 'No time to show yet';
    $('[data-five-chart]').setAttribute('aria-label', label);
    this.#choose(seen.length > 0);
    this.chart.draw();
  }
}
