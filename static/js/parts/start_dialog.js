// "When did this video start?" The time is asked for, on the store's own clock, and never guessed:
// what the file says about itself is offered by name, and used only when someone says so.

import { ApiError, get, post } from '../lib/api.js';
import { $, $$, button, el, readJson, setText } from '../lib/dom.js';
import { clockSeconds, clockSpan, day, duration, instantsAt, isoDay, size } from '../lib/format.js';

/** One recording as a person would point at it: “noon.mp4”, Sat 21 Nov, 12:00 to 13:00. */
function pointAt(recording, zone) {
  const { name, started_at: start, ended_at: end } = recording;
  return `“${name}”, ${day(start, zone)}, ${clockSpan(start, end, zone)}`;
}

/**
 * What the day and time fields mean: an instant, or the words for what is missing.
 *
 * `which` picks between the two instants of an hour that the clocks repeated.
 */
export function readStart(isoDate, time, zone, which = null) {
  if (!isoDate || !time) {
    return { error: 'Give the day and the time of the first picture.' };
  }
  const instants = instantsAt(isoDate, time, zone);
  if (instants.length === 0) {
    return { error: `There was no ${time} on that day: the clocks went forward over it.` };
  }
  if (instants.length > 1 && which === null) {
    return { twice: instants, error: 'Say which of the two times it was.' };
  }
  return { instant: instants[which ?? 0], twice: instants.length > 1 ? instants : null };
}

export class StartDialog {
  constructor({ api, zone }) {
    this.api = api;
    this.zone = zone;
    this.dialog = $('[data-start-dialog]');
    this.queue = Promise.resolve();
    this.cameras = readJson('live-cameras') ?? [];
    const find = (name) => $(`[data-start-${name}]`, this.dialog);
    this.parts = Object.fromEntries(
      ['file', 'camera', 'day', 'time', 'twice', 'error', 'suggestion', 'conflict', 'go'].map((name) => [
        name,
        find(name),
      ]),
    );
    find('later').addEventListener('click', () => this.dialog.close());
    find('use').addEventListener('click', () => this.#useSuggestion());
    for (const name of ['day', 'time']) {
      this.parts[name].addEventListener('input', () => this.#edited());
    }
    this.parts.camera.addEventListener('change', () => this.#edited());
    $('form', this.dialog).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send({});
    });
  }

  /**
   * Ask about one upload; questions wait for each other.
   *
   * The answer is `{recording}`, `{unwanted: true}` when the file is to go, or null when it waits.
   */
  ask(upload) {
    const answer = this.queue.then(() => this.#open(upload));
    this.queue = answer.catch(() => null);
    return answer;
  }

  async #open(upload) {
    this.upload = upload;
    this.answer = null;
    await this.#fillCameras();
    const length = upload.duration_s ? `${duration(upload.duration_s)} long` : 'a photo';
    setText($('h2', this.dialog), upload.kind === 'image' ? 'When was this photo taken?' : 'When did this video start?');
    setText(this.parts.file, `${upload.filename} · ${length} · ${size(upload.size_bytes)}`);
    this.parts.day.value = '';
    this.parts.time.value = '';
    this.#edited();
    this.#offerSuggestion();
    this.dialog.showModal();
    this.parts.day.focus();
    return new Promise((resolve) => {
      this.dialog.addEventListener('close', () => resolve(this.answer), { once: true });
    });
  }

  /** Cameras may have been added since the page was opened. */
  async #fillCameras() {
    try {
      this.cameras = (await get(`${this.api}cameras/`)).results;
    } catch {
      // Those that the page knows will do.
    }
    const chosen = this.parts.camera.value;
    this.parts.camera.replaceChildren(
      ...this.cameras.map(({ id, name }) => el('option', { value: id, selected: id === chosen }, name)),
    );
    $('[data-start-camera-field]', this.dialog).hidden = this.cameras.length === 1;
    if (this.cameras.length === 0) {
      this.#error('This shop has no camera yet. An administrator adds one first.');
    }
  }

  #offerSuggestion() {
    const { suggested_started_at: at, suggestion_reason: reason } = this.upload;
    this.parts.suggestion.hidden = !at;
    if (at) {
      const when = `${day(at, this.zone)}, ${clockSeconds(at, this.zone)}`;
      setText($('[data-start-suggestion-text]', this.dialog), `${reason} That would be ${when}.`);
    }
  }

  #useSuggestion() {
    const at = this.upload.suggested_started_at;
    this.parts.day.value = isoDay(at, this.zone);
    this.parts.time.value = clockSeconds(at, this.zone);
    this.#edited();
    this.parts.go.focus();
  }

  /** Whatever was said about the earlier answer no longer holds. */
  #edited() {
    this.#error('');
    this.parts.conflict.hidden = true;
    this.parts.go.hidden = false;
    const { twice } = readStart(this.parts.day.value, this.parts.time.value, this.zone);
    this.#offerTwice(twice ?? []);
  }

  #offerTwice(instants) {
    const { twice } = this.parts;
    twice.hidden = instants.length < 2;
    const labels = ['The first, before the clocks went back', 'The second, after it'];
    const choices = instants.map((instant, index) => {
      const input = el('input', { type: 'radio', name: 'start-which', value: index, class: 'form-check-input' });
      return el('label', { class: 'row-flex' }, input, labels[index]);
    });
    twice.replaceChildren($('legend', twice), ...choices);
  }

  #error(text) {
    const { error, day: dayField, time } = this.parts;
    setText(error, text);
    error.hidden = !text;
    for (const field of [dayField, time]) {
      field.toggleAttribute('aria-invalid', false);
      if (text) {
        field.setAttribute('aria-invalid', 'true');
      }
    }
  }

  async #send(choice) {
    const which = $('input:checked', this.parts.twice)?.value;
    const start = readStart(
      this.parts.day.value,
      this.parts.time.value,
      this.zone,
      which === undefined ? null : Number(which),
    );
    if (start.error) {
      this.#error(start.error);
      (this.parts.day.value ? this.parts.time : this.parts.day).focus();
      return;
    }
    this.choice = { ...this.choiceFor(start), ...choice };
    this.parts.go.disabled = true;
    try {
      this.answer = { recording: await post(`${this.api}recordings/`, this.choice) };
      this.dialog.close();
    } catch (error) {
      this.#refused(error);
    } finally {
      this.parts.go.disabled = false;
    }
  }

  choiceFor({ instant }) {
    return { upload: this.upload.id, camera: this.parts.camera.value, started_at: instant };
  }

  #refused(error) {
    if (error instanceof ApiError && error.code === 'overlap') {
      this.#overlap(error.problem);
    } else if (error instanceof ApiError && error.code === 'duplicate') {
      this.#duplicate(error.problem);
    } else if (error instanceof ApiError) {
      this.#conflict(error.message, 'Change what you gave, or put the file off and send another.', []);
    } else {
      this.#conflict('The server did not answer.', 'The file is safe. Try again in a moment.', []);
    }
  }

  #overlap({ recordings }) {
    const others = recordings.map((recording) => pointAt(recording, this.zone)).join('; ');
    const choices = [
      ['Replace it', () => this.#send({ on_overlap: 'replace' })],
    ];
    if (this.cameras.length > 1) {
      choices.push(['Choose another camera', () => this.#anotherCamera()]);
    }
    this.#conflict(
      'This camera already has a video of that time.',
      `Two videos of the same minutes would count people twice. There is ${others}.`,
      choices,
    );
  }

  #duplicate({ recordings }) {
    this.#conflict(
      'This very file was counted before.',
      `It is ${recordings.map((recording) => pointAt(recording, this.zone)).join('; ')}.`,
      [
        ['Count it again', () => this.#send({ on_duplicate: 'count_again' })],
        ['Leave it as it is', () => this.#unwanted()],
      ],
    );
  }

  #unwanted() {
    this.answer = { unwanted: true };
    this.dialog.close();
  }

  #anotherCamera() {
    this.#edited();
    this.parts.camera.focus();
  }

  #conflict(title, text, choices) {
    setText($('[data-start-conflict-title]', this.dialog), title);
    setText($('[data-start-conflict-text]', this.dialog), text);
    const buttons = choices.map(([label, onClick]) => button(label, { onClick }));
    $('[data-start-choices]', this.dialog).replaceChildren(...buttons);
    this.parts.conflict.hidden = false;
    // Where there is a choice to make, sending the same again would only meet the same answer.
    this.parts.go.hidden = choices.length > 0;
    $$('button', this.parts.conflict)[0]?.focus();
  }
}
