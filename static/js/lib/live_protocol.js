// What the server says on the live socket, field by field. docs/live.schema.json is the same for
// everybody; the tests of both languages hold it and this table to each other.

export const FROM_SERVER = {
  hello: { seq: 'integer' },
  heartbeat: { seq: 'integer' },
  events: { seq: 'integer' },
  progress: { recording: 'string', state: 'string', progress: 'number' },
  picture: { recording: 'string', from_ms: 'integer', to_ms: 'integer' },
  away: {},
  resync: {},
  pong: {},
};

export const CLOSINGS = {
  LOGGED_OUT: 4401,
  NOT_A_MEMBER: 4403,
  TOO_SLOW: 4408,
  TICKET_REFUSED: 4410,
  TOO_MANY: 4429,
};

const IS = {
  integer: (value) => Number.isInteger(value) && value >= 0,
  number: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  string: (value) => typeof value === 'string',
};

/**
 * Read what came by the socket.
 *
 * @param {string} text
 * @returns {object | null} a message with all its fields as they should be, else null: a page that
 *   was loaded before the server was renewed leaves alone what it does not know
 */
export function readMessage(text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    return null;
  }
  const known = message !== null && typeof message === 'object' && Object.hasOwn(FROM_SERVER, message.type);
  const fields = known ? FROM_SERVER[message.type] : null;
  return fields && Object.entries(fields).every(([name, kind]) => IS[kind](message[name])) ? message : null;
}
