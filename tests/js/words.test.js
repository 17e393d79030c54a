import { CLOSINGS } from '../../static/js/lib/live_protocol.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as words from '../../static/js/lib/words.js';

const ZONE = 'Europe/London';
const read = (parts) => parts.flat().join('');

function makeSnapshot({ now = null, entries = null, recording = null } = {}) {
  return {
    occupancy: { now },
    today: { entries },
    business_day: { starts_at: '2026-11-21T04:00:00Z' },
    recording,
  };
}

function makeRecording(fields = {}) {
  return {
    name: 'noon.mp4',
    state: 'done',
    stage: 'done',
    state_text: 'Counted',
    people_in_picture: null,
    numbers: { entries: 12, exits: 9 },
    ...fields,
  };
}

test('the sentence answers how many are in the shop', () => {
  const say = (now, entries) => read(words.liveSentence(makeSnapshot({ now, entries }), ZONE, true));
  assert.equal(say(23, 312), '23 people are in the shop. 312 came in since 04:00.');
  assert.equal(say(1, null), '1 person is in the shop.');
  assert.equal(say(0, 5), 'Nobody is in the shop. 5 came in since 04:00.');
});

test('the page says why the first seconds and single pictures are coarse all over', () => {
  const { pictureWords } = words;
  assert.match(pictureWords({ source: 'video' }, 0), /first seconds.*all over/);
  assert.match(pictureWords({ source: 'video' }, 2300), /first seconds.*all over/);
  assert.match(pictureWords({ source: 'video' }, 2400), /people found and all that moves are pixelated/);
  assert.match(pictureWords({ source: 'image' }, 0), /single picture.*all over/);
  assert.match(pictureWords(null, 0), /people found and all that moves are pixelated/);
});

test('where nobody looks now, the sentence is about the recording and not about a zero', () => {
  const say = (fields) =>
    read(words.liveSentence(makeSnapshot({ recording: makeRecording(fields) }), ZONE, true));
  assert.equal(say({ state: 'running' }), 'noon.mp4 is being counted: 12 came in and 9 went out so far.');
  assert.equal(say({}), 'In noon.mp4, 12 came in and 9 went out.');
  assert.equal(say({ state: 'queued' }), 'noon.mp4 waits to be counted.');
  assert.equal(say({ state: 'failed' }), 'noon.mp4 could not be counted.');
  assert.equal(say({ people_in_picture: 3 }), '3 people are in the picture noon.mp4.');
});

test('only who may add a video is asked to', () => {
  assert.match(read(words.liveSentence(makeSnapshot(), ZONE, true)), /Add a video/);
  assert.doesNotMatch(read(words.liveSentence(makeSnapshot(), ZONE, false)), /Add a video/);
});

test('the note below the number says since when, and why it is not below zero', () => {
  const say = (fields) =>
    words.nowNote({ now: 0, raw: 0, correction: 0, why_null: null, ...fields }, { starts_at: '2026-11-21T04:00:00Z' }, ZONE);
  assert.equal(say({}), 'Since 04:00 today');
  assert.equal(say({ correction: -2, raw: 3 }), 'Since 04:00 today · corrected by −2');
  assert.match(say({ raw: -1 }), /more went out than came in/);
  assert.doesNotMatch(say({ raw: -1, correction: 1 }), /more went out/);
  assert.equal(say({ now: null, raw: null, why_null: 'Nobody looks.' }), 'Nobody looks.');
});

test('while the demo is being drawn, the sentence says so until there is a recording', () => {
  const say = (fields) => read(words.liveSentence(makeSnapshot(fields), ZONE, true, true));
  assert.match(say({}), /^The demo’s video is being drawn\./);
  assert.match(say({ recording: makeRecording() }), /^In noon\.mp4/);
  assert.match(say({ now: 3 }), /^3 people are in the shop/);
});

test('a number that may be old is told in the past tense with its time', () => {
  const at = Date.parse('2026-11-21T14:12:09Z');
  const now = read(words.staleSentence(makeSnapshot({ now: 23 }), ZONE, at));
  assert.match(now, /^At 14:12:09, 23 people were in the shop\./);
  assert.doesNotMatch(now, / are in the shop/);
  const recording = makeRecording({ state: 'running' });
  const counted = read(words.staleSentence(makeSnapshot({ recording }), ZONE, at));
  assert.match(counted, /^At 14:12:09, noon\.mp4 had 12 in and 9 out\./);
});

test('events say what happened and how long it took', () => {
  const event = (fields) => ({ zone: null, stay_s: null, dwell_s: null, ...fields });
  const till = { name: 'Till' };
  assert.deepEqual(words.eventWords(event({ kind: 'entered' })), ['Came in', '']);
  assert.deepEqual(words.eventWords(event({ kind: 'exited', stay_s: 580 })), ['Went out', 'stayed 9 min 40 s']);
  assert.deepEqual(words.eventWords(event({ kind: 'zone_left', zone: till, dwell_s: 72 })), [
    'Left Till',
    'after 1 min 12 s',
  ]);
  assert.equal(words.eventFilter(event({ kind: 'zone_entered', zone: till })), 'zone');
  assert.equal(words.eventFilter(event({ kind: 'recounted' })), 'other');
});

test('a number that changed is explained in the words of the re-count', () => {
  const text = "Counted again at 14:05 after zone 'Till' was redrawn: 31 in instead of 29.";
  const told = { kind: 'recounted', recount: { text } };
  assert.equal(words.whyChanged([{ kind: 'recounted' }, told, { kind: 'entered' }]), text);
  assert.deepEqual(words.eventWords(told), ['Counted again', text]);
  assert.match(words.whyChanged([{ kind: 'recounted', recount: null }]), /numbers may have changed/);
  assert.equal(words.whyChanged([{ kind: 'entered' }]), '');
});

test('work under way says its stage, how far and how long', () => {
  const recording = makeRecording({ state: 'running', stage: 'finding', progress: 0.64, eta_s: 370 });
  assert.equal(words.progressWords(recording), 'Finding people · 64 % · about 6 min left');
  const waiting = makeRecording({ state: 'queued', stage: 'checked', progress: 0 });
  assert.match(words.progressWords(waiting), /waiting/);
});

test('work that has only begun shows no 0 %', () => {
  const recording = makeRecording({ state: 'running', stage: 'finding', progress: 0 });
  assert.equal(words.progressWords(recording), 'Finding people · just begun');
});

test('within a recording the newest moment is on top, and what was counted last comes first', () => {
  const event = (seq, recording, second) => ({ seq, recording, at: `2026-11-21T12:00:0${second}Z` });
  const events = [event(1, 'a', 5), event(2, 'a', 7), event(3, 'a', 6), event(4, 'b', 1), event(5, 'b', 2)];
  assert.deepEqual(
    words.newestFirst(events).map(({ seq }) => seq),
    [5, 4, 2, 3, 1],
  );
});

test('what another count has replaced is not told again', () => {
  const event = (seq, superseded) => ({ seq, recording: 'a', at: '2026-11-21T12:00:00Z', superseded });
  const told = words.newestFirst([event(1, true), event(2, false), event(3, true), event(4, false)]);
  assert.deepEqual(told.map(({ seq }) => seq), [4, 2]);
});

test('steps without a number say whether one is still to come', () => {
  const of = (...asked) => words.unseenWords(...asked)[0];
  assert.equal(of('recording', makeRecording({ state: 'running' })), 'Nothing is counted yet');
  assert.equal(of('recording', makeRecording()), 'Nothing was seen in this recording');
  assert.equal(of('store', makeRecording({ state: 'running' })), 'Nothing was seen in the last 2 hours');
  assert.equal(of('store', null), 'Nothing was seen in the last 2 hours');
});

test('a recording is counted again while its re-count waits or is worked', () => {
  const again = (state) => words.isCountedAgain(makeRecording({ recount: { state } }));
  assert.deepEqual(['waiting', 'working', 'done', 'quarantined'].map(again), [true, true, false, false]);
  assert.equal(words.isCountedAgain(makeRecording({ recount: null })), false);
});

test('why a page is not of now comes with when it last was and a way out', () => {
  const at = Date.parse('2026-11-21T14:12:09Z');
  for (const [kind, code] of [['failing'], ['lost'], ['ended', CLOSINGS.LOGGED_OUT], ['ended', 4403]]) {
    const [title, text] = words.troubleWords(kind, at, ZONE, code);
    assert.ok(title.endsWith('.'));
    assert.match(text, /from 14:12:09\. .*(by itself|Log in again|Ask the person)/);
  }
  assert.equal(words.troubleWords('ended', at, ZONE, CLOSINGS.LOGGED_OUT)[0], 'You are logged out.');
});
