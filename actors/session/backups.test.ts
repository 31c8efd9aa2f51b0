import { describe, expect, it } from 'vitest';
import type { AboutBackup, RequestBody, ServedRequest } from '#actors/kernel/messages.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { backupFault, isEntryKey } from './backups.ts';
import { ann, manifest, rejection, room, Stage } from './stage.ts';

const bytes = (length: number) => new Uint8Array(length);
const grant = { token: 'grant', attempt: bytes(16) };
const entry = { room, session: 'Aa0+/', sealed: bytes(1) };
const check: AboutBackup = { $case: 'checkBackup', value: {} };
const create = (header: Uint8Array, given: typeof grant | null = grant): AboutBackup => ({
  $case: 'createBackup',
  value: { grant: given ?? undefined, header, version: 1 },
});
const fetch = (given: typeof grant | null): AboutBackup => ({
  $case: 'fetchBackup',
  value: { grant: given ?? undefined },
});
const dropWith = (given: typeof grant | null): AboutBackup => ({
  $case: 'dropBackup',
  value: { grant: given ?? undefined, version: 1 },
});
const drop = dropWith(grant);
const put = (...entries: (typeof entry)[]): AboutBackup => ({ $case: 'putBackup', value: { version: 1, entries } });
const list = (of = '', after = ''): AboutBackup => ({
  $case: 'listBackup',
  value: { version: 1, room: of, after, limit: 0 },
});
const badRequest = Rejection.REJECTION_BAD_REQUEST;
const tooLarge = Rejection.REJECTION_TOO_LARGE;

describe('a request about a backup', () => {
  it('bounds its header at 16 KiB', () => {
    const faults = [0, 1, 16_384, 16_385].map((length) => backupFault(create(bytes(length))));
    expect(faults).toEqual([badRequest, null, null, tooLarge]);
  });

  it('bounds each entry at 8 KiB', () => {
    const faults = [0, 1, 8_192, 8_193].map((length) => backupFault(put(entry, { ...entry, sealed: bytes(length) })));
    expect(faults).toEqual([badRequest, null, null, tooLarge]);
  });

  it('takes 1 to 100 entries', () => {
    const faults = [0, 1, 100, 101].map((count) => backupFault(put(...Array.from({ length: count }, () => entry))));
    expect(faults).toEqual([badRequest, null, null, badRequest]);
  });

  it('wants ids of sessions of 1 to 64 characters of base64, and of rooms', () => {
    for (const session of ['A', 'z'.repeat(64)]) expect(backupFault(put({ ...entry, session }))).toBeNull();
    for (const session of ['', 'z'.repeat(65), 'a b', 'a=', 'a-b', 'a\n'])
      expect(backupFault(put(entry, { ...entry, session }))).toBe(badRequest);
    for (const wrong of ['', ann, `${room} `]) expect(backupFault(put({ ...entry, room: wrong }))).toBe(badRequest);
  });

  it('wants a grant with an attempt of 16 bytes', () => {
    expect([fetch(grant), drop, create(bytes(1))].map(backupFault)).toEqual([null, null, null]);
    for (const length of [0, 15, 17]) {
      const given = { ...grant, attempt: bytes(length) };
      const asked = [fetch(given), create(bytes(1), given), dropWith(given)];
      expect(asked.map(backupFault)).toEqual([badRequest, badRequest, badRequest]);
    }
    const asked = [fetch(null), create(bytes(1), null), dropWith(null)];
    expect(asked.map(backupFault)).toEqual([badRequest, badRequest, badRequest]);
  });

  it('lists one room or all, after where a page ended', () => {
    for (const fine of [list(), list(room), list('', `${room} Aa0`), check]) expect(backupFault(fine)).toBeNull();
    for (const wrong of [list(ann), list('', room), list('', `${room} `), list('', `${ann} Aa0`), list('', ' Aa0')])
      expect(backupFault(wrong)).toBe(badRequest);
    expect(isEntryKey(`${room} ${'a'.repeat(65)}`)).toBe(false);
  });
});

describe('a session', () => {
  const ask = (stage: Stage, body: RequestBody) => stage.send(2, body)[0];
  const served = (body: ServedRequest) => ({ kind: 'serve', session: 7, request: 2, user: ann, device: 2, body });

  it('has backups served for who it proved, and passes the one answer on', () => {
    const stage = new Stage().live();
    expect(stage.send(2, create(bytes(1)))).toMatchObject([served(create(bytes(1)))]);
    expect(stage.send(2, check)).toEqual([rejection(2, badRequest)]);
    const body = { $case: 'done', value: {} } as const;
    expect(stage.tell({ kind: 'answer', request: 2, body })).toEqual([{ kind: 'pushed', request: 2, body }]);
    expect(stage.tell({ kind: 'answer', request: 2, body })).toMatchObject([{ counter: 'session.answerUnasked' }]);
    expect(stage.send(2, check)).toMatchObject([served(check)]);
  });

  it('lets a device that the manifest does not name look at a backup and open it, not write', () => {
    for (const body of [check, list(), fetch(grant)])
      expect(ask(new Stage().live(false), body)).toMatchObject(served(body));
    for (const body of [create(bytes(1)), put(entry), drop])
      expect(ask(new Stage().live(false), body)).toMatchObject({
        kind: 'pushed',
        body: { value: { code: Rejection.REJECTION_STALE_MANIFEST, manifest } },
      });
  });

  it('lets every device write to it before there is a manifest', () => {
    const first = { version: 0, hash: bytes(0) };
    for (const body of [create(bytes(1)), put(entry), drop]) {
      const stage = new Stage().live(false);
      stage.tell({ kind: 'mayWrite', mayWrite: false, manifest: first });
      expect(ask(stage, body)).toMatchObject(served(body));
    }
  });

  it('refuses what is out of shape, and what comes too fast', () => {
    const stage = new Stage({ rates: { backup: { burst: 1, perSecond: 1 } } }).live();
    expect(stage.send(2, put())).toEqual([rejection(2, badRequest)]);
    expect(stage.send(2, put(entry))).toMatchObject([{ kind: 'serve' }]);
    expect(stage.send(3, list())).toEqual([rejection(3, Rejection.REJECTION_RATE_LIMITED, 1000)]);
  });
});
