import { describe, expect, it } from 'vitest';
import { Admission, type UpgradeRequest } from './admission.ts';
import { closeReason } from './codes.ts';
import { completeLimits, type TransportLimits } from './limits.ts';
import { sourceKey, trustedProxies } from './source.ts';

const request: UpgradeRequest = {
  source: '192.0.2.1',
  origin: '',
  ownOrigin: 'https://chat.example',
  subprotocols: 'luxchat.1',
};

function admission(limits: Partial<TransportLimits> = {}, random = () => 0) {
  const clock = { ms: 1_000_000 };
  const allowedOrigins = new Set(['https://app.example']);
  return {
    clock,
    gate: new Admission({ limits: completeLimits(limits), allowedOrigins, now: () => clock.ms, random }),
  };
}

const admittedOf = (gate: Admission, tries: number, source = request.source) =>
  Array.from({ length: tries }, () => gate.admit({ ...request, source }, 0).status).filter((status) => status === 101)
    .length;

describe('admission', () => {
  it('lets in who sends no Origin, the own one or a listed one, and nobody else', () => {
    const { gate } = admission();
    const statusOf = (origin: string) => gate.admit({ ...request, origin }, 0).status;
    expect(['', 'https://chat.example', 'https://app.example'].map(statusOf)).toEqual([101, 101, 101]);
    expect(['https://evil.example', 'http://chat.example', 'null', 'https://chat.example.evil'].map(statusOf)).toEqual([
      403, 403, 403, 403,
    ]);
  });

  it('answers the subprotocol when it is offered, none when none is, and refuses others', () => {
    const { gate } = admission();
    expect(gate.admit({ ...request, subprotocols: 'x, luxchat.1' }, 0)).toEqual({
      status: 101,
      subprotocol: 'luxchat.1',
    });
    expect(gate.admit({ ...request, subprotocols: '' }, 0)).toEqual({ status: 101, subprotocol: '' });
    expect(gate.admit({ ...request, subprotocols: 'luxchat.2' }, 0)).toEqual({ status: 400, retryAfterMs: 0 });
  });

  it('has room for the maximum of connections and not one more', () => {
    const { gate } = admission({ connectionsMax: 10 });
    expect(gate.admit(request, 9).status).toBe(101);
    expect(gate.admit(request, 10).status).toBe(503);
  });

  it('admits a burst per source and refills it over time, without touching other sources', () => {
    const { gate, clock } = admission();
    expect(admittedOf(gate, 60)).toBe(40);
    expect(admittedOf(gate, 60, '192.0.2.2')).toBe(40);
    clock.ms += 1000;
    expect(admittedOf(gate, 60)).toBe(20);
  });

  it('admits a burst per node over all sources, and a refused upgrade costs nothing', () => {
    const { gate, clock } = admission({ upgradesBurst: 100, upgradesPerSecond: 10 });
    let admitted = 0;
    for (let i = 0; i < 300; i++) admitted += admittedOf(gate, 1, `192.0.2.${i}`);
    expect(admitted).toBe(100);
    clock.ms += 1000;
    expect(admittedOf(gate, 40)).toBe(10);
    clock.ms += 1000;
    expect(admittedOf(gate, 40)).toBe(10);
  });

  it('jitters the advice of when to come back', () => {
    expect(admission({ connectionsMax: 1 }, () => 0).gate.admit(request, 1)).toEqual({
      status: 503,
      retryAfterMs: 500,
    });
    expect(admission({ connectionsMax: 1 }, () => 0.5).gate.admit(request, 1)).toEqual({
      status: 503,
      retryAfterMs: 2750,
    });
  });

  it('forgets the oldest source when too many are remembered, and full buckets when pruned', () => {
    const { gate, clock } = admission({ sourcesMax: 2, sourceUpgradesBurst: 1, sourceUpgradesPerSecond: 1 });
    expect(['a', 'b', 'c', 'a', 'c'].map((source) => admittedOf(gate, 1, source))).toEqual([1, 1, 1, 1, 0]);
    clock.ms += 1000;
    gate.prune();
    expect(admittedOf(gate, 1, 'c')).toBe(1);
  });
});

describe('source key', () => {
  const none = trustedProxies([]);
  const proxies = trustedProxies(['10.0.0.0/8', '192.0.2.7', 'fd00::/8']);

  it('is the address for IPv4, however it is written, and the /64 for IPv6', () => {
    expect(sourceKey('192.0.2.1', '', none)).toBe('192.0.2.1');
    expect(sourceKey('::ffff:192.0.2.1', '', none)).toBe('192.0.2.1');
    expect(sourceKey('0000:0000:0000:0000:0000:ffff:c000:0201', '', none)).toBe('192.0.2.1');
    expect(sourceKey('2001:db8:1:2:3:4:5:6', '', none)).toBe('2001:db8:1:2::/64');
    expect(sourceKey('2001:0db8:0001:0002:ffff:0000:0000:0001', '', none)).toBe('2001:db8:1:2::/64');
    expect(sourceKey('2001:db8::1', '', none)).toBe('2001:db8:0:0::/64');
    expect(sourceKey('', '', none)).toBe('unknown');
  });

  it('believes X-Forwarded-For only from a trusted proxy, and only up to the first that is none', () => {
    expect(sourceKey('198.51.100.1', '203.0.113.9', proxies)).toBe('198.51.100.1');
    expect(sourceKey('10.1.2.3', '203.0.113.9', proxies)).toBe('203.0.113.9');
    expect(sourceKey('10.1.2.3', '1.1.1.1, 203.0.113.9, 192.0.2.7', proxies)).toBe('203.0.113.9');
    expect(sourceKey('fd00::1', '203.0.113.9', proxies)).toBe('203.0.113.9');
    expect(sourceKey('10.1.2.3', 'nonsense', proxies)).toBe('unknown');
  });

  it('refuses a proxy that is no address', () => {
    expect(() => trustedProxies(['proxy.example'])).toThrow(RangeError);
  });
});

describe('limits and close reasons', () => {
  it('refuse what cannot be meant', () => {
    expect(() => completeLimits({ helloTimeoutMs: 0 })).toThrow(/helloTimeoutMs/);
    expect(() => completeLimits({ connectionsMax: 1.5 })).toThrow(/connectionsMax/);
    expect(() => completeLimits({ messageBytesMax: 65_538 })).toThrow(/messageBytesMax/);
    expect(completeLimits({ messageBytesMax: 65_539 }).messageBytesMax).toBe(65_539);
    expect(() => completeLimits({ heartbeatMs: 240_001 })).toThrow(/heartbeatMs/);
  });

  it('say when to come back for codes that allow it, within 123 bytes', () => {
    expect(closeReason(4000, '', 700)).toBe('retryAfter=700');
    expect(closeReason(4499, 'why', 700)).toBe('retryAfter=700 why');
    expect(closeReason(4500, 'why', 700)).toBe('why');
    expect(Buffer.byteLength(closeReason(4500, 'x'.repeat(123), 0))).toBe(123);
    expect(Buffer.byteLength(closeReason(4500, 'x'.repeat(124), 0))).toBe(123);
    expect(closeReason(4500, '😀'.repeat(40), 0)).toBe('😀'.repeat(30));
  });
});
