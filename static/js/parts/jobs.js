// What is being counted, and what came of it while this page was open.

import { get, post } from '../lib/api.js';
import { $, button, el, icon, setProgress, setText } from '../lib/dom.js';
import { count, percent } from '../lib/format.js';
import { keepFresh } from '../lib/keep_fresh.js';
import { isBad, isWorking, progressWords } from '../lib/words.js';
import { toast } from './toast.js';

const RETRY_MS = 5000;

function resultWords(recording) {
  if (recording.people_in_picture !== null && recording.people_in_picture !== undefined) {
    return `${count(recording.people_in_picture)} in the picture`;
  }
  return `${count(recording.entries)} in · ${count(recording.exits)} out · ${count(recording.visits)} visits`;
}

export class Jobs {
  constructor({ api, root, gapMs, onChange, onShow }) {
    this.api = api;
    this.root = root;
    this.onChange = onChange;
    this.onShow = onShow;
    this.list = $('[data-jobs]');
    this.mine = new Set();
    this.hidden = new Set();
    this.refresh = keepFresh({
      work: () => this.#load(),
      gapMs,
      retryMs: RETRY_MS,
      onFailed: () => {}, // the page tells it of its numbers, which come from the same server
      onFresh: () => {},
    });
  }

  added(recording) {
    this.mine.add(recording.id);
    this.onShow(recording.id);
    this.refresh();
  }

  /** The hint carries how far it is: the bar need not wait for the next fetch. */
  progress({ recording, progress }) {
    const row = this.#row(recording);
    const bar = row && $('progress', row);
    if (bar && progress > 0) {
      setProgress(bar, progress);
      setText($('[data-job-percent]', row), percent(progress));
    }
    this.refresh();
  }

  #row(id) {
    return $(`[data-job="${CSS.escape(id)}"]`, this.list);
  }

  async #load() {
    const { results } = await get(`${this.api}recordings/`);
    for (const recording of results.filter(isWorking)) {
      this.mine.add(recording.id);
    }
    const shown = results.filter(({ id }) => this.mine.has(id) && !this.hidden.has(id));
    const focused = document.activeElement?.dataset?.act;
    const focusedJob = document.activeElement?.closest('[data-job]')?.dataset.job;
    this.list.replaceChildren(...shown.map((recording) => this.#build(recording)));
    if (focusedJob) {
      $(`[data-act="${focused}"]`, this.#row(focusedJob) ?? this.list)?.focus();
    }
  }

  #build(recording) {
    const working = isWorking(recording);
    const name = el('button', { class: 'btn-link grow ellipsis strong', type: 'button', 'data-act': 'show' }, recording.name);
    name.title = `Show ${recording.name}`;
    name.addEventListener('click', () => this.onShow(recording.id));
    const head = el('div', { class: 'row-flex' }, name);
    const row = el('li', { 'data-job': recording.id, 'data-state': recording.state }, head);
    if (working) {
      const far = recording.progress > 0 ? percent(recording.progress) : '';
      head.append(el('span', { class: 'muted small nowrap', 'data-job-percent': true }, far));
      row.append(
        this.#bar(recording),
        el('span', { class: 'faint xs' }, progressWords(recording)),
      );
    } else if (isBad(recording)) {
      row.append(this.#failure(recording));
    } else {
      row.append(el('span', { class: 'small muted' }, `${recording.state_text} · ${resultWords(recording)}`));
    }
    head.append(this.#cross(recording, working));
    return row;
  }

  #bar({ name, progress, state }) {
    const bar = el('progress', { class: 'pg', max: 100, value: 0, 'aria-label': `Counting ${name}` });
    if (state === 'running') {
      setProgress(bar, progress);
    }
    return bar;
  }

  #cross(recording, working) {
    const act = working ? 'cancel' : 'hide';
    const cross = button(icon('x', 'icon-sm'), {
      class: 'btn btn-plain btn-sm2 btn-sq',
      title: working ? `Cancel ${recording.name}` : `Hide ${recording.name}`,
      onClick: () => (working ? this.#cancel(recording) : this.#hide(recording)),
    });
    cross.dataset.act = act;
    return cross;
  }

  #failure({ error, state_text: stateText, id }) {
    const note = el('div', { class: 'note bad' }, icon('file-alert'));
    const words = el('div', { class: 'grow' }, el('b', {}, error?.what ?? stateText));
    if (error) {
      words.append(el('br'), error.next_step, ' ', el('span', { class: 'mono faint xs' }, error.code));
    }
    if (error?.retry) {
      words.append(el('br'), button('Try again', { onClick: () => this.#retry(id) }));
    }
    note.append(words);
    return note;
  }

  async #do(id, what) {
    try {
      await post(`${this.root}recordings/${id}/${what}/`);
    } catch (error) {
      toast(error.message);
    }
    this.refresh();
    this.onChange();
  }

  async #cancel(recording) {
    await this.#do(recording.id, 'cancel');
    this.#hide(recording);
    toast(`${recording.name} is cancelled. Its numbers are taken out again.`);
  }

  #retry(id) {
    return this.#do(id, 'retry');
  }

  #hide({ id }) {
    this.hidden.add(id);
    this.#row(id)?.remove();
  }
}
