// Turn many requests for the same work into few runs of it.

/**
 * A function that runs `work` at once when it rests, and otherwise once more when it may.
 *
 * Two runs start at least `gapMs` apart and never overlap; however many calls come in between,
 * one run follows them. The returned promise settles with the run that serves the call.
 */
export function coalesce(work, gapMs, timers = globalThis) {
  let running = false;
  let waiting = [];
  let timer = null;
  let startedAt = -Infinity;

  async function run() {
    timer = null;
    running = true;
    startedAt = timers.performance.now();
    const callers = waiting;
    waiting = [];
    try {
      const answer = await work();
      callers.forEach((caller) => caller.resolve(answer));
    } catch (error) {
      callers.forEach((caller) => caller.reject(error));
    }
    running = false;
    plan();
  }

  function plan() {
    if (running || timer !== null || waiting.length === 0) {
      return;
    }
    const wait = Math.max(0, startedAt + gapMs - timers.performance.now());
    timer = timers.setTimeout(run, wait);
  }

  return () =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      plan();
    });
}
