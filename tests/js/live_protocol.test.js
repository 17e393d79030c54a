import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { CLOSINGS, FROM_SERVER, readMessage } from '../../static/js/lib/live_protocol.js';
import { problemWith, schema } from './live_schema.js';

const { server } = schema.$defs;
const VALUES = { integer: 7, number: 0.5, string: 'word' };
const WRONG = {
  integer: [-1, 0.5, '7', null],
  number: [-0.1, 1.1, '0.5', null],
  string: [7, null, {}],
};

/** A message of a kind, made from the schema alone. */
function made(type) {
  const { properties } = server[type];
  return Object.fromEntries(
    Object.entries(properties).map(([name, of]) => [name, of.const ?? VALUES[of.type]]),
  );
}

test('the page knows every message of the schema with its fields, and no other', () => {
  const told = Object.fromEntries(
    Object.entries(server).map(([type, { properties }]) => [
      type,
      Object.fromEntries(Object.entries(properties).filter(([name]) => name !== 'type').map(([name, of]) => [name, of.type])),
    ]),
  );
  assert.deepEqual(FROM_SERVER, told);
});

test('the closing codes are those of the schema', () => {
  assert.deepEqual(Object.values(CLOSINGS).map(String).sort(), Object.keys(schema['x-closings']).sort());
});

for (const type of Object.keys(server)) {
  test(`a ${type} that keeps to the schema is read, and one that does not is left alone`, () => {
    const message = made(type);
    assert.equal(problemWith('server', message), null);
    assert.deepEqual(readMessage(JSON.stringify(message)), message);
    for (const [name, of] of Object.entries(server[type].properties)) {
      const without = { ...message };
      delete without[name];
      assert.notEqual(problemWith('server', without), null, `${name} left out`);
      assert.equal(readMessage(JSON.stringify(without)), null, `${name} left out`);
      for (const value of of.const ? [] : WRONG[of.type]) {
        const bent = { ...message, [name]: value };
        assert.notEqual(problemWith('server', bent), null, JSON.stringify(bent));
        assert.equal(readMessage(JSON.stringify(bent)), null, JSON.stringify(bent));
      }
    }
  });
}

test('a message with something new in it is still read: the server may be newer than the page', () => {
  const message = { type: 'events', seq: 3, more: 'later' };
  assert.notEqual(problemWith('server', message), null);
  assert.deepEqual(readMessage(JSON.stringify(message)), message);
});

test('what a page asks a message for is in the schema', () => {
  const pages = new URL('../../static/js/pages/', import.meta.url);
  const asked = new Set();
  for (const name of readdirSync(pages)) {
    const text = readFileSync(new URL(name, pages), 'utf8');
    if (!text.includes('LiveSocket')) {
      continue;
    }
    for (const [, type] of text.matchAll(/message\.type === '(\w+)'/g)) {
      asked.add(type);
    }
    for (const [, types] of text.matchAll(/\[([^\]]*)\]\.includes\(message\.type\)/g)) {
      types.split(',').forEach((type) => asked.add(type.trim().replaceAll("'", '')));
    }
    const handlers = text.match(/const HANDLERS = \{\n(.*?)\n\};/s)?.[1] ?? '';
    for (const [, type, fields] of handlers.matchAll(/^ {2}(\w+): \(([^)]*)\)/gm)) {
      asked.add(type);
      for (const [, field] of fields.matchAll(/[{,]\s*(\w+)/g)) {
        assert.ok(Object.hasOwn(server[type]?.properties ?? {}, field), `${name}: ${type} has no ${field}`);
      }
    }
  }
  assert.ok(asked.size > 5, [...asked].join());
  assert.deepEqual([...asked].filter((type) => !Object.hasOwn(server, type)), []);
});
