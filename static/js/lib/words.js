// What a page says about the facts, as plain sentences. No DOM here: every line is a pure function.
// A sentence is a list of parts; a part in an array, `['23 people']`, is set in bold.

import { about, clock, clockSeconds, count, durationWords, percent, people } from './format.js';
import { CLOSINGS } from './live_protocol.js';

const isAre = (value) => (value <= 1 ? 'is' : 'are');
const wasWere = (value) => (value <= 1 ? 'was' : 'were');

function recordingSentence(recording) {
  const { name, numbers } = recording;
  if (recording.people_in_picture !== null && recording.people_in_picture !== undefined) {
    const seen = recording.people_in_picture;
    return [[people(seen)], ` ${isAre(seen)} in the picture `, [name], '.'];
  }
  if (recording.state === 'queued') {
    return [[name], ' waits to be counted.'];
  }
  if (recording.state === 'failed' || recording.state === 'quarantined') {
    return [[name], ' could not be counted.'];
  }
  const facts = [[count(numbers.entries)], ' came in and ', [count(numbers.exits)], ' went out'];
  if (recording.state === 'running') {
    return [[name], ' is being counted: ', ...facts, ' so far.'];
  }
  return ['In ', [name], ', ', ...facts, '.'];
}

/** The sentence on top of Live; `demoComes` while the demo's video is still being drawn. */
export function liveSentence(snapshot, zone, isManager, demoComes = false) {
  const { occupancy, today, recording, business_day: businessDay } = snapshot;
  if (occupancy.now !== null) {
    const parts = [[people(occupancy.now)], ` ${isAre(occupancy.now)} in the shop.`];
    if (today.entries !== null) {
      parts.push(' ', [count(today.entries)], ` came in since ${clock(businessDay.starts_at, zone)}.`);
    }
    return parts;
  }
  if (recording) {
    return recordingSentence(recording);
  }
  if (demoComes) {
    return [['The demo’s video is being drawn.'], ' It appears here in a minute or two and is counted as you watch.'];
  }
  const way = isManager
    ? ' Add a video and the first numbers appear here.'
    : ' The first numbers appear here once a video is added.';
  return [['Nothing has been counted yet.'], way];
}

/** The same in the past tense: never say "are" about a number that may be old. */
export function staleSentence(snapshot, zone, seenAt) {
  const time = clockSeconds(seenAt, zone);
  const tail = ' The numbers will catch up when the connection is back.';
  const { occupancy, recording } = snapshot;
  if (occupancy.now !== null) {
    const now = people(occupancy.now);
    return [[`At ${time}, ${now}`], ` ${wasWere(occupancy.now)} in the shop.`, tail];
  }
  if (recording) {
    const { entries, exits } = recording.numbers;
    const facts = ` had ${count(entries)} in and ${count(exits)} out.`;
    return [[`At ${time}, `, recording.name].join(''), facts, tail].map(boldFirst);
  }
  return [[`At ${time}, nothing had been counted.`], tail];
}

function boldFirst(part, index) {
  return index === 0 ? [part] : part;
}

/** What stands below the number of people inside: since when, or why there is none. */
export function nowNote({ now, raw, correction, reset_at: resetAt, why_null: why }, businessDay, zone) {
  if (now === null) {
    return why ?? '';
  }
  const words = [`Since ${clock(resetAt ?? businessDay.starts_at, zone)} today`];
  if (correction) {
    words.push(`corrected by ${correction > 0 ? '+' : '−'}${Math.abs(correction)}`);
  }
  if (raw + correction < 0) {
    words.push('more went out than came in, so some were inside before');
  }
  return words.join(' · ');
}

/** Which of the feed's filters shows the event: in, out, zone or other. */
export function eventFilter(event) {
  if (event.kind === 'entered') {
    return 'in';
  }
  if (event.kind === 'exited') {
    return 'out';
  }
  return event.zone ? 'zone' : 'other';
}

/**
 * The events as a person reads them: what was counted last on top, and within one recording by the
 * time on its clock. The feed tells them as they became certain, so a stay ends after a later step.
 * What another count has replaced is left out: the line "Counted again" says that and why.
 */
export function newestFirst(events) {
  const groups = [];
  const standing = events.filter(({ superseded }) => !superseded);
  for (const event of standing.sort((a, b) => b.seq - a.seq)) {
    if (groups.at(-1)?.[0].recording !== event.recording) {
      groups.push([]);
    }
    groups.at(-1).push(event);
  }
  return groups.flatMap((group) => group.sort((a, b) => b.at.localeCompare(a.at) || b.seq - a.seq));
}

const EVENT_WORDS = {
  entered: () => 'Came in',
  exited: () => 'Went out',
  zone_entered: (event) => `Stopped at ${event.zone.name}`,
  zone_left: (event) => `Left ${event.zone.name}`,
  recounted: () => 'Counted again',
  gap: () => 'Not seen for a while',
  occupancy_reset: () => 'The count started again',
  corrected: () => 'Corrected by hand',
};

/** What happened, and what is added in grey: ['Went out', 'stayed 9 min 40 s']. */
export function eventWords(event) {
  const what = EVENT_WORDS[event.kind]?.(event) ?? event.kind;
  if (event.recount) {
    return [what, event.recount.text];
  }
  if (event.stay_s !== null && event.stay_s !== undefined) {
    return [what, `stayed ${durationWords(event.stay_s)}`];
  }
  if (event.dwell_s !== null && event.dwell_s !== undefined) {
    return [what, `after ${durationWords(event.dwell_s)}`];
  }
  return [what, ''];
}

/** Why numbers may have changed, or nothing: a number that goes down is explained at once. */
export function whyChanged(events) {
  const told = events.filter(({ kind }) => kind === 'recounted');
  if (!told.length) {
    return '';
  }
  return told.at(-1).recount?.text ?? 'A recording was counted again, so numbers may have changed.';
}

const STAGE_WORDS = {
  received: 'Waiting for a free worker',
  checked: 'Checked, waiting for a free worker',
  finding: 'Finding people',
  counting: 'Counting',
  done: 'Finishing',
};

/** Finding people · 64 % · about 6 min left */
export function progressWords(recording) {
  if (recording.paused) {
    return recording.paused;
  }
  const words = [STAGE_WORDS[recording.stage] ?? recording.state_text];
  if (recording.state === 'running' && recording.progress === 0) {
    words.push('just begun');
  } else if (recording.state === 'running') {
    words.push(percent(recording.progress));
    if (recording.eta_s !== null && recording.eta_s !== undefined) {
      words.push(`${about(recording.eta_s)} left`);
    }
  }
  return words.join(' · ');
}

// A recording begins with pictures of which all seems to move, and what moved stays pixelated for two
// seconds (`HELD_MS` in `tracking/vision/previews.py`). Measured: 2.1 s at 10 frames a second.
export const SETTLED_MS = 2400;

/** What stands below the picture: what is hidden in it, and why it may be all of it. */
export function pictureWords(recording, atMs) {
  if (recording?.source === 'image') {
    return 'A single picture does not tell what moves, so it is pixelated all over';
  }
  if (recording && atMs < SETTLED_MS) {
    return 'The first seconds are pixelated all over, until it is known what stands still';
  }
  return 'In stored pictures, people found and all that moves are pixelated';
}

export const isWorking = (recording) => ['queued', 'running'].includes(recording.state);
export const isCountedAgain = ({ recount }) => ['waiting', 'working'].includes(recount?.state);
export const isBad = (recording) => ['failed', 'quarantined'].includes(recording.state);

/** Why there is no number in "Every 5 minutes": [title, words]. */
export function unseenWords(of, recording) {
  if (of === 'recording' && isWorking(recording)) {
    return ['Nothing is counted yet', 'The first numbers appear here as soon as a part of the video is counted.'];
  }
  const span = of === 'store' ? 'in the last 2 hours' : 'in this recording';
  return [
    `Nothing was seen ${span}`,
    'No camera and no recording of an entrance covers this time, so there is no number, not even a zero.',
  ];
}

/** Why a page is not of now, and what comes of it: [title, text]. `at` is when it last was. */
export function troubleWords(kind, at, zone, code = null) {
  const from = `What you see is from ${clockSeconds(at, zone)}`;
  if (kind === 'failing') {
    return ['This page could not be brought up to date.', `${from}. Nothing is lost; the page tries again by itself.`];
  }
  if (kind === 'lost') {
    return ['The line to the server is broken.', `${from}. Counting goes on; the page connects again by itself.`];
  }
  if (code === CLOSINGS.LOGGED_OUT) {
    return ['You are logged out.', `${from}. Log in again to go on.`];
  }
  return ['You no longer belong to a shop shown here.', `${from}. Ask the person who runs OskarTrack if that is a mistake.`];
}
