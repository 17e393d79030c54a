// Keeps the overlay (boxes, trails, addresses of pictures) of one recording in ten-second windows.

const WINDOW_MS = 10_000;
const KEPT = 12;

export class OverlayStore {
  /** @param {(fromMs: number, toMs: number) => Promise<object>} fetchWindow asks the API */
  constructor(fetchWindow) {
    this.fetchWindow = fetchWindow;
    this.windows = new Map();
    this.loading = new Set();
    this.failing = false;
  }

  /** What is known around `atMs`; asks for it where it is not known yet. Null until it is there. */
  at(atMs, readyMs) {
    const index = Math.floor(atMs / WINDOW_MS);
    this.#need(index, readyMs);
    if ((index + 1) * WINDOW_MS - atMs < WINDOW_MS / 2) {
      this.#need(index + 1, readyMs);
    }
    return this.windows.get(index)?.overlay ?? null;
  }

  /** Forget what reaches past `fromMs`: it was counted further, or again. */
  forgetFrom(fromMs) {
    for (const index of [...this.windows.keys()]) {
      if ((index + 1) * WINDOW_MS > fromMs) {
        this.windows.get(index).fullMs = -1;
      }
    }
  }

  async #need(index, readyMs) {
    const fromMs = index * WINDOW_MS;
    const toMs = Math.min(fromMs + WINDOW_MS, readyMs);
    const known = this.windows.get(index);
    if (toMs <= fromMs || this.loading.has(index) || (known && known.fullMs >= toMs)) {
      return;
    }
    this.loading.add(index);
    try {
      const overlay = await this.fetchWindow(fromMs, toMs);
      this.failing = false;
      this.windows.delete(index);
      this.windows.set(index, { overlay, fullMs: toMs });
      this.#forgetOldest();
    } catch {
      // The picture is a view, never the count: the next tick asks again, not sooner than a second.
      this.failing = true;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    } finally {
      this.loading.delete(index);
    }
  }

  #forgetOldest() {
    while (this.windows.size > KEPT) {
      this.windows.delete(this.windows.keys().next().value);
    }
  }
}
