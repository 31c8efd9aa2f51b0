// The parts between a request and its answer, each by itself: shapes of bodies, return addresses, buckets.
import { describe, expect, it } from 'vitest';
import { isRefusal, refuse } from '../codes.ts';
import { sourceBuckets } from './buckets.ts';
import { isTerminalRedirect, isWebRedirect } from './redirects.ts';
import type { AuthRequest } from './request.ts';
import { readFields } from './shape.ts';

function request(body: string | Uint8Array, type = 'application/json'): AuthRequest {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return {
    method: 'POST',
    path: '/',
    query: new URLSearchParams(),
    headers: { 'content-type': type },
    body: bytes,
    source: 's',
  };
}

describe('a body', () => {
  const shape = { name: { shape: /^[a-z]{1,3}$/ }, more: { shape: /^x$/, optional: true } } as const;
  const read = (body: string | Uint8Array, type?: string) => readFields(request(body, type), shape, 100);

  it('is one JSON object with exactly the fields asked for', () => {
    expect(read('{"name":"abc"}')).toEqual({ name: 'abc', more: undefined });
    expect(read('{"name":"a","more":"x"}', 'application/json; charset=utf-8')).toEqual({ name: 'a', more: 'x' });
  });

  it.each([
    '',
    'null',
    '[]',
    '"a"',
    '{',
    '{"name":"abc"}x',
    '{}',
    '{"name":1}',
    '{"name":null}',
    '{"name":["a"]}',
    '{"name":""}',
    '{"name":"abcd"}',
    '{"name":"a","other":1}',
    '{"name":"a","more":"y"}',
    '{"name":"a","more":null}',
    '{"name":"a","__proto__":{"more":"x"}}',
    '{"name":"a","toString":"x"}',
    '{"__proto__":{"name":"a"}}',
  ])('%j is refused', (body) => {
    expect(read(body)).toEqual(refuse('BAD_REQUEST'));
  });

  it('must be UTF-8 and JSON by its type', () => {
    expect(read(Uint8Array.of(0x22, 0xff, 0x22))).toEqual(refuse('BAD_REQUEST'));
    for (const type of ['', 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])
      expect(read('{"name":"a"}', type)).toEqual(refuse('UNSUPPORTED_MEDIA'));
  });

  it('has at most as many bytes as allowed', () => {
    const exact = '{"name":"a"}'.padEnd(100);
    expect(isRefusal(read(exact))).toBe(false);
    expect(read(`${exact} `)).toEqual(refuse('BODY_TOO_LARGE'));
  });
});

describe('a return address', () => {
  const origins = new Set(['https://chat.example.lu', 'http://localhost:5173']);

  it.each(['http://127.0.0.1:1/', 'http://127.0.0.1:49152/a/b', 'http://[::1]:8080/x', 'http://127.0.0.1:8080'])(
    '%s is a terminal’s',
    (address) => {
      expect(isTerminalRedirect(address)).toBe(true);
      expect(isWebRedirect(address, origins)).toBe(false);
    },
  );

  it.each([
    'https://chat.example.lu',
    'https://chat.example.lu/',
    'https://chat.example.lu/login',
    'http://localhost:5173/x',
  ])('%s is the web app’s', (address) => {
    expect(isWebRedirect(address, origins)).toBe(true);
    expect(isTerminalRedirect(address)).toBe(false);
  });

  it.each([
    '',
    '/',
    'x',
    'http://127.0.0.1/',
    'http://localhost:8080/',
    'https://127.0.0.1:8080/',
    'http://127.0.0.2:8080/',
    'http://0.0.0.0:8080/',
    'http://127.0.0.1:8080/?a=b',
    'http://127.0.0.1:8080/?',
    'http://127.0.0.1:8080/#',
    'http://127.0.0.1:8080/#x',
    'http://u@127.0.0.1:8080/',
    'http://u:p@127.0.0.1:8080/',
    'http://127.0.0.1:8080@evil.example/',
    'http://127.0.0.1:8080.evil.example/',
    'http://2130706433:8080/',
    'http://127.1:8080/',
    'http://127.0.0.1:8080\\@evil.example/',
    'http:127.0.0.1:8080/',
    'http://127.0.0.1:8080/a/../b',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://chat.example.lu.evil.example/',
    'https://chat.example.lu:444/',
    'http://chat.example.lu/',
    'https://chat.example.lu/?next=//evil.example',
    'https://CHAT.example.lu/',
    'https://evil.example/https://chat.example.lu/',
    'https://x@chat.example.lu/',
    'com.example.app:/x',
    'null',
  ])('%j is nobody’s', (address) => {
    expect(isTerminalRedirect(address)).toBe(false);
    expect(isWebRedirect(address, origins)).toBe(false);
  });
});

describe('buckets', () => {
  const setUp = (perMinute: number, sourcesMax = 100) => {
    const clock = { ms: 1_000 };
    return { clock, buckets: sourceBuckets({ perMinute, sourcesMax, now: () => clock.ms }) };
  };

  it.each([1, 7, 10, 300, 10_000])('let %i requests a minute through and not one more', (perMinute) => {
    const { clock, buckets } = setUp(perMinute);
    for (let n = 0; n < perMinute; n++) expect(buckets.take('a')).toBe(0);
    const waitMs = buckets.take('a');
    expect(waitMs).toBeCloseTo(60_000 / perMinute, 3);
    expect(buckets.take('b')).toBe(0);
    clock.ms += waitMs + 0.001;
    expect(buckets.take('a')).toBe(0);
    expect(buckets.take('a')).toBeGreaterThan(0);
  });

  it('refuse new sources while the table is full, and never forget one that still counts', () => {
    const { clock, buckets } = setUp(2, 3);
    for (const source of ['a', 'b', 'c']) expect(buckets.take(source)).toBe(0);
    expect(buckets.take('d')).toBe(60_000);
    expect(buckets.take('a')).toBe(0);
    clock.ms += 30_000;
    expect(buckets.take('d')).toBe(0);
    expect(buckets.take('a')).toBe(0);
  });

  it('keep nobody out for long when the clock is set back', () => {
    const { clock, buckets } = setUp(10);
    clock.ms = 100_000_000;
    buckets.take('a');
    clock.ms = 0;
    expect(buckets.take('a')).toBe(6_000);
    clock.ms = 6_001;
    expect(buckets.take('a')).toBe(0);
  });
});
