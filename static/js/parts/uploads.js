// Files on their way in: tus with progress, pause, cancel; then the question when the video started.

import { csrfToken, get } from '../lib/api.js';
import { $, $$, button, el, icon, setText } from '../lib/dom.js';
import { about, percent, size } from '../lib/format.js';
import { StartDialog } from './start_dialog.js';

const PART_BYTES = 8 * 1024 * 1024;
const RETRY_DELAYS_MS = [0, 1000, 3000, 5000, 10_000, 20_000];

/** The server's own words for a refused file, else ours. */
export function refusalWords(error) {
  const body = error.originalResponse?.getBody?.();
  try {
    const { detail, code } = JSON.parse(body);
    if (detail) {
      return { text: detail, code: code ?? '' };
    }
  } catch {
    // Not the API's answer: a proxy's page, or no answer at all.
  }
  return { text: 'The connection broke off. What was sent so far is kept.', code: '', again: true };
}

class UploadRow {
  constructor(file, { api, root, dialog, onAdded }) {
    this.file = file;
    this.api = api;
    this.root = root;
    this.dialog = dialog;
    this.onAdded = onAdded;
    this.startedAt = performance.now();
    this.startedWith = null;
    this.#build();
    this.#send();
  }

  #build() {
    this.amount = el('span', { class: 'muted small nowrap' });
    this.pause = button('Pause', { class: 'btn btn-plain btn-sm2', onClick: () => this.#togglePause() });
    this.cancel = button(icon('x', 'icon-sm'), {
      class: 'btn btn-plain btn-sm2 btn-sq',
      title: `Cancel ${this.file.name}`,
      onClick: () => this.#cancel(),
    });
    this.bar = el('progress', { class: 'pg', max: 100, value: 0, 'aria-label': `Sending ${this.file.name}` });
    this.words = el('span', { class: 'faint xs', role: 'status' });
    this.more = el('div', { hidden: true });
    const name = el('span', { class: 'grow ellipsis strong', title: this.file.name }, this.file.name);
    const head = el('div', { class: 'row-flex' }, name, this.amount, this.pause, this.cancel);
    this.row = el('li', { 'data-upload': this.file.name }, head, this.bar, this.words, this.more);
  }

  #send() {
    this.upload = new globalThis.tus.Upload(this.file, {
      endpoint: `${this.api}uploads/`,
      chunkSize: PART_BYTES,
      retryDelays: RETRY_DELAYS_MS,
      metadata: { filename: this.file.name },
      removeFingerprintOnSuccess: true,
      onBeforeRequest: (request) => request.setHeader('X-CSRFToken', csrfToken()),
      onShouldRetry: (error) => (error.originalResponse?.getStatus() ?? 0) === 0 || isPassing(error),
      onProgress: (sent, total) => this.#progress(sent, total),
      onError: (error) => this.#refused(refusalWords(error)),
      onSuccess: () => this.#sent(),
    });
    this.#resume();
  }

  /** A file that was sent in part before, even before the page was closed, goes on where it was. */
  async #resume() {
    const [earlier] = await this.upload.findPreviousUploads();
    if (earlier) {
      this.upload.resumeFromPreviousUpload(earlier);
    }
    this.upload.start();
  }

  #progress(sent, total) {
    this.startedWith ??= sent;
    this.bar.value = total ? (sent / total) * 100 : 0;
    setText(this.amount, `${size(sent)} of ${size(total)}`);
    const seconds = (performance.now() - this.startedAt) / 1000;
    const pace = (sent - this.startedWith) / seconds;
    const left = pace > 0 && seconds > 1 ? ` · ${about((total - sent) / pace)} left` : '';
    setText(this.words, `Sending · ${percent(sent / total)}${left}`);
  }

  #togglePause() {
    this.paused = !this.paused;
    if (this.paused) {
      this.upload.abort();
      setText(this.words, 'Paused. What was sent is kept.');
    } else {
      this.startedAt = performance.now();
      this.startedWith = null;
      this.upload.start();
    }
    setText(this.pause, this.paused ? 'Go on' : 'Pause');
  }

  async #cancel() {
    this.row.remove();
    try {
      await this.upload.abort(true);
    } catch {
      // It is gone from the page; the server forgets unfinished files by itself.
    }
  }

  async #sent() {
    this.pause.remove();
    this.bar.value = 100;
    setText(this.amount, size(this.file.size));
    setText(this.words, 'Sent. Looking at the file …');
    const id = this.upload.url.split('/').filter(Boolean).at(-1);
    try {
      this.info = await get(`${this.root}uploads/${id}/`);
    } catch (error) {
      this.#refused({ text: error.message, code: error.code });
      return;
    }
    if (this.info.problem) {
      const { what, next_step: nextStep, code } = this.info.problem;
      this.#refused({ text: `${what} ${nextStep}`, code });
      return;
    }
    this.#askStart();
  }

  async #askStart() {
    setText(this.words, 'Sent. One question before it is counted.');
    const ask = button('Say when it started', { class: 'btn btn-sm2', onClick: () => this.#askStart() });
    this.#show(ask);
    const answer = await this.dialog.ask(this.info);
    if (answer?.recording) {
      this.row.remove();
      this.onAdded(answer.recording);
    } else if (answer?.unwanted) {
      this.#cancel();
    }
  }

  #refused({ text, code, again }) {
    this.pause.remove();
    setText(this.words, '');
    this.bar.hidden = true;
    const note = el('div', { class: 'note bad', role: 'alert' }, icon('file-alert'));
    note.append(el('div', { class: 'grow' }, text, ' ', el('span', { class: 'mono faint xs' }, code)));
    const acts = el('div', { class: 'acts' });
    if (again) {
      acts.append(button('Try again', { onClick: () => this.#tryAgain() }));
    }
    this.#show(note, acts);
  }

  #tryAgain() {
    this.#show();
    this.bar.hidden = false;
    this.startedAt = performance.now();
    this.startedWith = null;
    this.#send();
  }

  #show(...nodes) {
    this.more.replaceChildren(...nodes);
    this.more.hidden = nodes.length === 0;
  }
}

/** Refusals that pass by themselves: too many at once, a server restarting, a part already there. */
function isPassing(error) {
  return [409, 423, 429, 502, 503, 504, 507].includes(error.originalResponse.getStatus());
}

export function startUploads({ api, root, zone, onAdded }) {
  const dialog = new StartDialog({ api, zone });
  const input = $('[data-file]');
  const drop = $('[data-drop]');
  const list = $('[data-uploads]');

  const add = (files) => {
    for (const file of files) {
      list.append(new UploadRow(file, { api, root, dialog, onAdded }).row);
    }
  };
  input.addEventListener('change', () => {
    add([...input.files]);
    input.value = '';
  });
  for (const opener of $$('[data-choose-file]')) {
    opener.addEventListener('click', () => input.click());
  }
  for (const type of ['dragenter', 'dragover']) {
    drop.addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.add('over');
    });
  }
  drop.addEventListener('dragleave', () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    add([...event.dataTransfer.files]);
  });
}
