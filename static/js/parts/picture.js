// The picture card: pixelated previews of a recording at the media's own pace, with what was counted
// drawn over them.

import { $, $$, el, icon, setText } from '../lib/dom.js';
import { get } from '../lib/api.js';
import { clockSeconds, duration } from '../lib/format.js';
import { OverlayStore } from '../lib/overlay_store.js';
import { lastAt, nearest, Playback, trailUntil } from '../lib/playback.js';
import { isBad, isWorking, pictureWords, SETTLED_MS } from '../lib/words.js';
import { Drawing } from './drawing.js';

const EVERY_MS = 100;
const TRAIL_MS = 6000;
// A picture is shown with the boxes found nearest to it.
const NEAR_MS = 600;
// Narrower pictures stand between dark bands instead of pushing the page down.
const NARROWEST = 1.6;

export class Picture {
  /** `startAtMs` is the moment that the first recording shown begins with; null for its start. */
  constructor({ root, zone, cameras, canAdd, demoComes, startAtMs = null }) {
    this.root = root;
    this.zone = zone;
    this.cameras = cameras;
    this.canAdd = canAdd;
    this.demoComes = demoComes;
    this.card = $('[data-scene]').closest('section');
    this.drawing = new Drawing(this.card);
    this.playback = new Playback();
    this.playback.paused = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.recording = null;
    this.isNew = false;
    this.lost = null;
    this.startAtMs = startAtMs;
    this.shownKey = '';
    this.next = null; // the picture on its way
    this.#controls();
    setInterval(() => this.#tick(), EVERY_MS);
  }

  /** Show a recording; the same one again only learns how far it is counted. */
  show(recording) {
    const changed = recording?.id !== this.recording?.id || recording?.run?.id !== this.recording?.run?.id;
    this.recording = recording;
    if (recording) {
      const readyMs = recording.numbers.counted_to_ms;
      if (changed) {
        this.#open(recording);
      }
      this.playback.extent(readyMs, isWorking(recording));
      this.#startOnce();
      $('[data-seek]').max = String(Math.max(readyMs, 1));
    }
    this.#showVeil();
  }

  /** Go to the moment that the address names, once it is there; else to where one sees something. */
  #startOnce() {
    if (this.startAtMs !== null && this.playback.readyMs > 0) {
      this.playback.seek(this.startAtMs);
      this.startAtMs = null;
    } else if (this.isNew && this.playback.paused && this.playback.readyMs > SETTLED_MS) {
      this.playback.seek(SETTLED_MS); // before, a picture that stands still is pixelated all over
    }
    this.isNew = this.isNew && this.playback.readyMs === 0;
  }

  /** New pictures or boxes from `fromMs` on are ready. */
  refresh(recordingId, fromMs) {
    if (this.recording && recordingId === this.recording.id) {
      this.overlays.forgetFrom(fromMs);
    }
  }

  connectionLost(at) {
    this.lost = at;
    this.#showVeil();
  }

  #open(recording) {
    const address = `${this.root}recordings/${recording.id}/overlay/`;
    this.overlays = new OverlayStore((fromMs, toMs) => get(address, { from_ms: fromMs, to_ms: toMs }));
    this.playback.seek(0);
    this.isNew = true;
    this.shownKey = '';
    this.next = null;
    $('[data-picture]').hidden = true;
    setText($('[data-picture-name]'), recording.camera.name);
    this.#drawCamera();
  }

  #drawCamera() {
    const camera = this.cameras.find(({ id }) => id === this.recording.camera.id);
    this.drawing.camera(camera ?? { zones: [], lines: [] });
    this.drawing.people([]);
    this.drawing.trails([]);
  }

  #controls() {
    for (const layer of $$('[data-layer]', this.card)) {
      layer.addEventListener('click', () => {
        const on = layer.getAttribute('aria-pressed') !== 'true';
        layer.setAttribute('aria-pressed', String(on));
        for (const group of $$(`[data-g="${layer.dataset.layer}"]`, this.card)) {
          group.classList.toggle('off', !on);
        }
      });
    }
    $('[data-pause]').addEventListener('click', () => {
      this.playback.paused = !this.playback.paused;
      this.#showPause();
    });
    const seek = $('[data-seek]');
    seek.addEventListener('input', () => {
      this.playback.seek(Number(seek.value));
      this.#tick();
    });
    this.#showPause();
  }

  #showPause() {
    const { paused } = this.playback;
    const control = $('[data-pause]');
    control.replaceChildren(icon(paused ? 'player-play' : 'player-pause'));
    control.setAttribute('aria-label', paused ? 'Play the picture' : 'Pause the picture');
  }

  #tick() {
    if (!this.recording || document.hidden || this.lost) {
      this.playback.tickedAt = null;
      return;
    }
    const atMs = this.playback.tick(performance.now());
    const overlay = this.playback.readyMs ? this.overlays.at(atMs, this.playback.readyMs) : null;
    if (overlay) {
      this.#showMoment(overlay, atMs);
    }
    this.#showTime(atMs);
  }

  #showMoment(overlay, atMs) {
    this.#fit(overlay);
    const picture = lastAt(overlay.pictures, atMs) ?? overlay.pictures[0];
    // Boxes belong to the picture they were found on: between two pictures they stand still with it.
    const moment = picture ? picture.time_ms : atMs;
    const key = `${picture?.url} ${moment}`;
    // Asking for the next picture drops the one on its way: on a slow line none would ever come.
    if (key === this.shownKey || this.next) {
      return;
    }
    this.shownKey = key;
    const draw = () => this.#drawPeople(overlay, moment);
    if (picture) {
      this.#load(picture.url, draw);
    } else {
      draw();
    }
  }

  #drawPeople(overlay, moment) {
    const people = nearest(overlay.frames, moment, NEAR_MS)?.people ?? [];
    this.drawing.people(people);
    this.drawing.trails(
      people.map(({ track }) => trailUntil(overlay.trails[track] ?? [], moment, TRAIL_MS)),
    );
  }

  /** Show a picture with its boxes once it is here; the one before stays until then. */
  #load(url, draw) {
    const next = el('img', {
      'data-picture': true,
      alt: `${this.recording.camera.name}; people are pixelated`,
    });
    const end = (isHere) => {
      if (this.next !== next) {
        return; // another recording was opened meanwhile
      }
      this.next = null;
      if (isHere) {
        $('[data-picture]').replaceWith(next);
      }
      draw();
    };
    next.addEventListener('load', () => end(true));
    next.addEventListener('error', () => end(false));
    this.next = next;
    next.src = url;
  }

  #fit({ width, height }) {
    const size = `${width}x${height}`;
    if (size === this.size || !width || !height) {
      return;
    }
    this.size = size;
    const ratio = width / height;
    $('[data-scene]').style.aspectRatio = String(Math.max(ratio, NARROWEST));
    $('[data-stage]').style.aspectRatio = String(ratio);
    this.drawing.resize(width, height);
    this.#drawCamera();
  }

  #showTime(atMs) {
    const { recording, playback } = this;
    setText($('[data-picture-hidden]'), pictureWords(recording, atMs));
    const play = $('[data-play]');
    play.hidden = playback.readyMs === 0 || recording.source === 'image';
    const seek = $('[data-seek]');
    if (document.activeElement !== seek || !playback.paused) {
      seek.value = String(atMs);
    }
    const at = clockSeconds(Date.parse(recording.started_at) + atMs, this.zone);
    seek.setAttribute('aria-valuetext', at);
    setText($('[data-moment]'), `${at} · ${duration(atMs / 1000)} of ${duration(recording.declared_s)}`);
    const note = playback.waiting ? 'Waiting for the next part' : recording.name;
    setText($('[data-picture-note]'), this.overlays.failing ? 'The picture does not load. It is asked for again.' : note);
  }

  #showVeil() {
    const [sign, title, text, add] = this.#veilWords();
    const veil = $('[data-veil]');
    veil.hidden = !title;
    if (!title) {
      return;
    }
    $('[data-veil-icon]').replaceChildren(icon(sign));
    setText($('[data-veil-title]'), title);
    setText($('[data-veil-text]'), text);
    const button = $('[data-veil-add]');
    if (button) {
      button.hidden = !add;
    }
  }

  #veilWords() {
    const { recording } = this;
    if (this.lost) {
      const at = clockSeconds(this.lost, this.zone);
      return ['plug-connected-x', `The picture stopped at ${at}`, 'Counting goes on in the background.'];
    }
    if (!recording && this.demoComes) {
      return ['hourglass', 'The demo’s video is being drawn', 'It appears here in a minute or two.'];
    }
    if (!recording) {
      return this.canAdd
        ? ['movie', 'No video yet', 'Add one and watch the people in it being counted.', true]
        : ['movie', 'No video yet', 'When a manager of the shop adds one, it is counted here.'];
    }
    if (isBad(recording)) {
      return ['file-alert', 'No picture', recording.error?.what ?? recording.state_text];
    }
    if (recording.numbers.counted_to_ms === 0 && isWorking(recording)) {
      return ['hourglass', 'The first picture comes soon', 'The first seconds are being looked at.'];
    }
    return [];
  }
}
