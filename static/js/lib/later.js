// Try again later, once, however many failures ask for it.

/** A function that runs `work` after `waitMs`; calls until then ask for nothing more. */
export function later(work, waitMs, timers = globalThis) {
  let timer = null;
  return () => {
    timer ??= timers.setTimeout(() => {
      timer = null;
      work();
    }, waitMs);
  };
}
