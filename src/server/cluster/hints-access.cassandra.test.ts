// A real Redis that asks for a user and a password, and speaks TLS to whoever shows a certificate.
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../deploy/dev/ports.ts';
import { startRedis, type Redis as TestRedis } from '../../../deploy/dev/redis/redis.ts';
import { Certificates } from '../test/certificates.ts';
import { RedisHints, type RedisHintsOptions } from './hints.ts';
import { until } from './testing/nodes.ts';

const certificates = new Certificates();
const open: RedisHints[] = [];
let redis: TestRedis;
let address: string;
beforeAll(async () => {
  for (const name of ['ca', 'other']) certificates.authority(name);
  for (const name of ['server', 'node']) certificates.sign(name, { authority: 'ca', address: '127.0.0.1' });
  redis = await startRedis();
  const port = await freePort();
  address = `rediss://127.0.0.1:${port}`;
  const raw = new Redis(redis.address);
  const files = ['tls-cert-file', certificates.path('server.pem'), 'tls-key-file', certificates.path('server.key')];
  const authority = ['tls-ca-cert-file', certificates.path('ca.pem'), 'tls-auth-clients', 'yes'];
  await raw.config('SET', ...files, ...authority, 'tls-port', String(port));
  await raw.acl('SETUSER', 'lux', 'on', '>moien', '~*', '&*', '+@all');
  await raw.config('SET', 'requirepass', 'gudden');
  raw.disconnect();
});
afterEach(async () => {
  for (const hints of open.splice(0)) await hints.close();
});
afterAll(async () => {
  await redis?.stop();
  certificates.remove();
});

const shown = () => ({
  ca: certificates.text('ca.pem'),
  cert: certificates.text('node.pem'),
  key: certificates.text('node.key'),
});

function hintsWith(options: Partial<RedisHintsOptions>): { hints: RedisHints; looks: () => number } {
  let looks = 0;
  const hints = new RedisHints({ redis: address, provider: 'lux.example', changed: () => looks++, ...options });
  open.push(hints);
  return { hints, looks: () => looks };
}

describe('signs of life in a Redis that asks who comes', () => {
  it.each([
    ['a user', { username: 'lux', password: 'moien' }],
    ['the default user', { username: '', password: 'gudden' }],
  ])('are read by %s with the password and a certificate', async (_, credentials) => {
    const { hints } = hintsWith({ credentials, tls: shown() });
    await until('it answers', () => hints.reachable);
    expect(hints.trouble).toBeUndefined();
  });

  it.each([
    ['another password', /WRONGPASS/, () => ({ credentials: { username: 'lux', password: 'else' }, tls: shown() })],
    ['no password', /NOAUTH/, () => ({ tls: shown() })],
    [
      'no certificate',
      /certificate/,
      () => ({ credentials: { username: 'lux', password: 'moien' }, tls: { ca: shown().ca } }),
    ],
    [
      'an authority that did not sign its certificate',
      /certificate/,
      () => ({
        credentials: { username: 'lux', password: 'moien' },
        tls: { ...shown(), ca: certificates.text('other.pem') },
      }),
    ],
  ])('are not read with %s, and it is known why', async (_, why, options) => {
    const { hints, looks } = hintsWith(options());
    await until('it has looked several times', () => looks() > 2);
    // A look may find the connection gone before the alert is read; one of the next reads it.
    await until(`${why}, not ${hints.trouble}`, () => why.test(String(hints.trouble)));
    expect(hints.reachable).toBe(false);
  });
});
