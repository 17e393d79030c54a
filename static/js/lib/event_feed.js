// The store's events in the order of their seq, each exactly once. No socket and no DOM here.

/**
 * Keeps a reader in step with a store's feed.
 *
 * A hint says how far the store is. Whatever the reader misses is fetched after the last event it
 * applied, so a lost, doubled or late hint changes nothing: a hint at or below the reader's place is
 * ignored, and one above it starts a fetch (never two at once).
 */
export class EventFeed {
  /**
   * @param {object} options
   * @param {number} options.seq how far the page's first state goes (its `as_of_seq`)
   * @param {(after: number) => Promise<{results: object[], more: boolean, as_of_seq: number}>}
   *   options.fetchAfter asks the API for the events after a place
   * @param {(events: object[]) => void} options.apply takes new events, in order
   * @param {(seq: number) => void} options.skip called instead where too many were missed
   * @param {number} [options.longest] events after which catching up one by one makes no sense
   */
  constructor({ seq, fetchAfter, apply, skip, longest = 1000 }) {
    this.applied = seq;
    this.known = seq;
    this.fetchAfter = fetchAfter;
    this.apply = apply;
    this.skip = skip;
    this.longest = longest;
    this.fetching = null;
  }

  /** Take a hint. Returns a promise that settles when the reader is in step, null when it was. */
  hint(seq) {
    this.known = Math.max(this.known, seq);
    if (this.known <= this.applied) {
      return null;
    }
    this.fetching ??= this.#catchUp().finally(() => {
      this.fetching = null;
    });
    return this.fetching;
  }

  async #catchUp() {
    while (this.known > this.applied) {
      if (this.known - this.applied > this.longest) {
        this.applied = this.known;
        this.skip(this.known);
        return;
      }
      const page = await this.fetchAfter(this.applied);
      this.#take(page);
    }
  }

  #take({ results, more, as_of_seq: asOf }) {
    const fresh = results.filter((event) => event.seq > this.applied).sort((a, b) => a.seq - b.seq);
    if (fresh.length) {
      this.applied = fresh.at(-1).seq;
      this.apply(fresh);
    }
    // The last place may belong to an event that is gone: an empty page still moves the reader on.
    if (!more) {
      this.applied = Math.max(this.applied, asOf);
      this.known = Math.max(this.known, this.applied);
    } else if (!fresh.length) {
      throw new Error('The server promised more events and sent none.');
    }
  }
}

/** New events beside those that are known, each once: an event may be told by two answers. */
export function joined(fresh, known) {
  const ids = new Set(fresh.map(({ id }) => id));
  return [...fresh, ...known.filter(({ id }) => !ids.has(id))];
}

/** The answer of a whole list up to `asOf`, with what came while it was on its way. */
export function replaced(known, results, asOf) {
  return joined(known.filter(({ seq }) => seq > asOf), results);
}
