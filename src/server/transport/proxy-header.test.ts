import { describe, expect, it } from 'vitest';
import { readProxyHeader } from './proxy-header.ts';
import { proxyHeader } from './test/proxy-header.ts';

const request = Buffer.from('GET / HTTP/1.1\r\n');

describe('a PROXY header', () => {
  it('says the source, in IPv4 and IPv6, whatever follows the addresses', () => {
    const headers = [
      ['203.0.113.9', proxyHeader('203.0.113.9')],
      ['203.0.113.9', proxyHeader('203.0.113.9', { tlvBytes: 300 })],
      ['2001:db8:1:2:3:4:5:6', proxyHeader('2001:db8:1:2:3:4:5:6')],
    ] as const;
    for (const [address, header] of headers)
      expect(readProxyHeader(Buffer.concat([header, request]))).toEqual({
        kind: 'header',
        bytes: header.length,
        address,
      });
  });

  it('has no address where the balancer speaks for itself, or of a family that has none', () => {
    for (const header of [proxyHeader('203.0.113.9', { command: 0 }), proxyHeader('203.0.113.9', { family: 0x31 })])
      expect(readProxyHeader(header)).toMatchObject({ kind: 'header', address: '' });
  });

  it('is waited for byte by byte, and nothing else is', () => {
    const header = proxyHeader('203.0.113.9');
    for (let length = 0; length < header.length; length++)
      expect(readProxyHeader(header.subarray(0, length)).kind).toBe('more');
    for (const other of [request, Buffer.from('\r\n\r\n\0\r\nQUIX'), Buffer.from('PROXY TCP4 203.0.113.9')])
      expect(readProxyHeader(other).kind).toBe('none');
  });

  it('is broken with another version or command, too long, or too short for its addresses', () => {
    const short = Buffer.from(proxyHeader('203.0.113.9'));
    short.writeUInt16BE(11, 14);
    const old = Buffer.from(proxyHeader('203.0.113.9'));
    old.writeUInt8(0x11, 12);
    const broken = [short, old, proxyHeader('203.0.113.9', { command: 2 })];
    for (const header of broken) expect(readProxyHeader(header).kind).toBe('broken');
    expect(readProxyHeader(proxyHeader('203.0.113.9', { tlvBytes: 2048 - 12 })).kind).toBe('header');
    expect(readProxyHeader(proxyHeader('203.0.113.9', { tlvBytes: 2048 - 11 })).kind).toBe('broken');
  });
});
