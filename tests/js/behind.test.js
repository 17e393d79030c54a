import assert from 'node:assert/strict';
import { test } from 'node:test';

import { eventAddress, eventsAddress, visitAddress, visitsAddress, withView } from '../../static/js/lib/behind.js';

test('what is asked stands in the address, whatever signs it has', () => {
  const asked = { kind: 'entered', from: '2026-07-01T09:00:00+02:00', zone: 'a&b' };
  const address = new URL(eventsAddress('corner-shop', asked), 'http://shop.example');
  assert.equal(address.pathname, '/stores/corner-shop/events/');
  assert.deepEqual(Object.fromEntries(address.searchParams), asked);
});

test('a list of visits is a page of clients, and one event or visit has a page of its own', () => {
  assert.equal(visitsAddress('corner-shop', { recording: '7' }), '/stores/corner-shop/clients/?recording=7');
  assert.equal(eventAddress('corner-shop', '8'), '/stores/corner-shop/events/8/');
  assert.equal(visitAddress('corner-shop', '9'), '/stores/corner-shop/visits/9/');
});

test('a page that opens with its table says so in its address, and keeps what else stands there', () => {
  const days = 'http://shop.example/stores/a/dashboard/?from=2026-07-01&bars=days#bars-title';
  const table = withView(days, 'table');
  assert.equal(table, 'http://shop.example/stores/a/dashboard/?from=2026-07-01&bars=days&as=table#bars-title');
  assert.equal(withView(table, 'table'), table);
  assert.equal(withView(table, 'chart'), days);
});
