// Holds a message to docs/live.schema.json, with as much of JSON Schema as stands in that file; a
// word that it does not know is an error, so that none is passed over.

import { readFileSync } from 'node:fs';

export const schema = JSON.parse(readFileSync(new URL('../../docs/live.schema.json', import.meta.url)));

const SAYS_NOTHING = ['description'];
const RULES = {
  type: (value, kind) =>
    ({
      object: value !== null && typeof value === 'object' && !Array.isArray(value),
      integer: Number.isInteger(value),
      number: typeof value === 'number',
      string: typeof value === 'string',
    })[kind],
  const: (value, wanted) => value === wanted,
  minimum: (value, least) => value >= least,
  maximum: (value, most) => value <= most,
  required: (value, names) => names.every((name) => Object.hasOwn(value, name)),
  properties: (value, of) => Object.keys(of).every((name) => !Object.hasOwn(value, name) || !wrong(value[name], of[name])),
  additionalProperties: (value, allowed, { properties }) =>
    allowed || Object.keys(value).every((name) => Object.hasOwn(properties, name)),
};

function wrong(value, rules) {
  for (const [word, told] of Object.entries(rules)) {
    if (SAYS_NOTHING.includes(word)) {
      continue;
    }
    if (!RULES[word]) {
      throw new Error(`This reader of the schema does not know ${word}.`);
    }
    if (!RULES[word](value, told, rules)) {
      return `${JSON.stringify(value)} breaks ${word}: ${JSON.stringify(told)}`;
    }
  }
  return null;
}

/** What is wrong with a message of the `server` or of a `client`; null when nothing is. */
export function problemWith(side, message) {
  const kinds = schema.$defs[side];
  return Object.hasOwn(kinds, message?.type) ? wrong(message, kinds[message.type]) : 'There is no such message.';
}
