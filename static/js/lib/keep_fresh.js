// What a page shows stays in step with the server: fetched when asked for, again after a failure.

import { coalesce } from './coalesce.js';
import { later } from './later.js';

/**
 * A function that does `work` when called, at most once in `gapMs`.
 *
 * What fails is tried again after `retryMs`, however nobody asks: the message that asked for it does
 * not come a second time. `onFailed` and `onFresh` hear how each attempt ended.
 */
export function keepFresh({ work, gapMs, retryMs, onFailed, onFresh, timers = globalThis }) {
  const again = later(() => run(), retryMs, timers);
  const run = coalesce(async () => {
    try {
      await work();
    } catch (error) {
      again();
      onFailed(error);
      return;
    }
    onFresh();
  }, gapMs, timers);
  return run;
}

/** Tells of each message whether the store went on since; `seq` is how far the page itself goes. */
export function wentOn(seq) {
  let known = seq;
  return (message) => {
    const moved = message.seq > known;
    known = Math.max(known, message.seq ?? 0);
    return moved;
  };
}
