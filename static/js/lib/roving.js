// A long list of links is one stop of the Tab key: arrows, Home and End go from one to the next.

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

/** The place that a key leads to from place `at` of `length`, null for a key that leads nowhere. */
export function placeAfter(key, at, length) {
  if (!length) {
    return null;
  }
  if (key === 'Home' || key === 'End') {
    return key === 'Home' ? 0 : length - 1;
  }
  const step = STEPS[key];
  return step ? Math.min(Math.max(at + step, 0), length - 1) : null;
}

/** Let Tab stop at one of `links` alone: at `wanted` if it is among them, else at the first. */
export function oneStop(links, wanted) {
  const chosen = links.includes(wanted) ? wanted : links[0];
  for (const link of links) {
    link.tabIndex = link === chosen ? 0 : -1;
  }
  return chosen;
}
