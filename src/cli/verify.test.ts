// What a verification says where it does not go on.
import { expect, it } from 'vitest';
import { Emitter } from '#client/emitter.ts';
import { ClientError } from '#client/errors.ts';
import type { ClientEvents } from '#client/events.ts';
import type { VerificationInfo } from '#client/shown.ts';
import type { Session } from './session.ts';
import { verify } from './verify.ts';

it('says that what the other device asked for could not be accepted, and goes on with what comes of it', async () => {
  const events = new Emitter<ClientEvents>();
  const failed: unknown[] = [];
  const waits = Promise.withResolvers<void>();
  const lost = new ClientError('TIMEOUT', 'No answer.');
  const tell = (info: Partial<VerificationInfo>) =>
    events.emit('verification', { id: 'v', incoming: true, ...info } as VerificationInfo);
  const client = {
    on: events.on.bind(events),
    once: events.once.bind(events),
    synced: async () => {},
    verifications: () => [],
    devices: async () => [{ current: true, confirmed: true }, {}],
    acceptVerification: () => Promise.reject(lost),
  };
  const out = { json: true, say: () => {}, note: () => waits.resolve(), fail: (error: unknown) => failed.push(error) };
  const verified = verify({ client, args: { rest: [] }, out } as unknown as Session);
  await waits.promise;
  tell({ state: 'requested' });
  tell({ state: 'cancelled' });
  await expect(verified).rejects.toMatchObject({ code: 'REJECTED' });
  expect(failed).toEqual([lost]);
});

it('waits for nobody where there is no other device, and no longer than it was told', async () => {
  const events = new Emitter<ClientEvents>();
  const own = { current: true, confirmed: true };
  const run = (devices: object[], args: object) => {
    const client = {
      ...{ on: events.on.bind(events), once: events.once.bind(events), synced: async () => {} },
      ...{ verifications: () => [], devices: async () => devices },
    };
    const out = { json: true, say: () => {}, note: () => {}, fail: () => {} };
    return verify({ client, args: { rest: [], ...args }, out } as unknown as Session);
  };
  await expect(run([own], {})).rejects.toThrow('You have no other device');
  await expect(run([own, {}], { isTimeoutGiven: true, timeoutMs: 1 })).rejects.toThrow('in that time');
});
