// A session whose rooms, or whose user, went with their node: it asks again by itself, and its device hears where they stand.
import { describe, expect, it } from 'vitest';
import { roomAddress, sessionAddress, userAddress } from '#actors/kernel/address.ts';
import type { SessionMessage } from '#actors/kernel/messages.ts';
import { RoomEntry } from '#proto/gen/client.ts';
import { ann, hello, manifest, otherRoom, room, type SeenEffect, Stage, welcome } from './stage.ts';

const entryOf = (headSeq: number) => ({ ...RoomEntry.decode(new Uint8Array()), room, headSeq, headCount: headSeq });
const lost = (change: Partial<Extract<SessionMessage, { kind: 'unheard' }>> = {}): SessionMessage => ({
  kind: 'unheard',
  rooms: [],
  watched: [],
  own: false,
  ...change,
});
/** The asks among the effects: room, number, and whether only a mark is wanted. */
function asksOf(effects: readonly SeenEffect[]): { room: string; token: number; watch: boolean }[] {
  return effects.flatMap((effect) => {
    if (effect.kind !== 'send' || effect.message.kind !== 'subscribe') return [];
    const { message, to } = effect;
    return [{ room: to.slice('room/'.length), token: message.token, watch: message.watch ?? false }];
  });
}
const part = (token: number, change: Partial<Extract<SessionMessage, { kind: 'subscribedPart' }>> = {}) =>
  ({ kind: 'subscribedPart', token, room, entry: null, ...change }) as const;
const moved = (headSeq: number) => ({
  kind: 'pushed',
  request: 0,
  body: { $case: 'headMoved', value: { room, headSeq, headCount: headSeq } },
});

/** A session that lost a room, and the number of its ask. */
function losing(change: Partial<Extract<SessionMessage, { kind: 'unheard' }>> = { rooms: [room] }) {
  const stage = new Stage().live();
  const token = asksOf(stage.tell(lost(change)))[0]?.token ?? 0;
  return { stage, token };
}

describe('a session that hears a room no more', () => {
  it('asks for it as it heard it, and tells its device where it stands', () => {
    const stage = new Stage().live();
    const effects = stage.tell(lost({ rooms: [room], watched: [otherRoom] }));
    const asks = asksOf(effects);
    expect(asks.map((ask) => [ask.room, ask.watch])).toEqual([
      [room, false],
      [otherRoom, true],
    ]);
    expect(effects[0]).toMatchObject({
      to: roomAddress(room),
      message: { replyTo: sessionAddress(7), from: { session: 7, request: 0, user: ann, device: 2 } },
    });
    expect(stage.tell(part(asks[0]?.token ?? 0, { entry: entryOf(5) }))).toEqual([moved(5)]);
  });

  it('asks for a room that it was live in and watched as a live one', () => {
    const stage = new Stage().live();
    expect(asksOf(stage.tell(lost({ rooms: [room], watched: [room] }))).map(({ watch }) => watch)).toEqual([
      false,
      false,
    ]);
  });

  it('asks again later where the room is busy, and no more once it is heard', () => {
    const { stage, token } = losing();
    expect(stage.tell(part(token, { busy: true }))).toEqual([{ kind: 'startTimer', name: 'rehear', delayMs: 707 }]);
    const [again] = asksOf(stage.tell({ kind: 'timer', name: 'rehear' }));
    expect(again?.room).toBe(room);
    expect(stage.tell(part(again?.token ?? 0, { entry: entryOf(5) }))).toEqual([moved(5)]);
    expect(stage.tell({ kind: 'timer', name: 'rehear' })).toEqual([]);
  });

  it('says nothing where its user is not a member any more, and is not live there', () => {
    const { stage, token } = losing();
    expect(stage.tell(part(token))).toEqual([]);
    expect(stage.tell({ kind: 'timer', name: 'rehear' })).toEqual([]);
  });

  it('does not go on asking when its user was taken out meanwhile, and parts if it came in late', () => {
    const stage = new Stage().live();
    stage.send(2, { $case: 'subscribe', value: { rooms: [room] } });
    stage.tell(part(1, { entry: entryOf(4) }));
    const token = asksOf(stage.tell(lost({ rooms: [room] })))[0]?.token ?? 0;
    stage.tell({ kind: 'evicted', room });
    expect(stage.tell(part(token, { busy: true }))).toEqual([]);
    expect(stage.tell(part(token, { entry: entryOf(5) }))).toEqual([{ kind: 'part', session: 7, audience: { room } }]);
  });

  // The room moved twice: the answer of the place in between was taken for the last one, and the last one for a stray, which made the session deaf.
  it('does not take the answer of a place that the room has left for the newest one', () => {
    const { stage, token } = losing();
    const second = asksOf(stage.tell(lost({ rooms: [room] })))[0]?.token ?? 0;
    expect(second).not.toBe(token);
    expect(stage.tell(part(token, { entry: entryOf(5) }))).toEqual([]);
    expect(stage.tell(part(second, { busy: true }))).toHaveLength(1);
    const third = asksOf(stage.tell({ kind: 'timer', name: 'rehear' }))[0]?.token ?? 0;
    expect(stage.tell(part(third, { entry: entryOf(6) }))).toEqual([moved(6)]);
  });

  it('keeps its numbers apart from those of its device', () => {
    const { stage, token } = losing();
    const value = { rooms: [otherRoom] };
    const [asked] = asksOf(stage.send(2, { $case: 'subscribe', value }));
    expect(asked?.token).toBe(1);
    expect(token).toBeGreaterThan(2 ** 32);
    expect(Number.isSafeInteger(token)).toBe(true);
  });
});

describe('a session whose user moved', () => {
  const greeting = {
    kind: 'send',
    to: userAddress(ann),
    message: { kind: 'hello', session: 7, device: 2, deviceId: 'AB', deviceName: 'phone' },
  };

  it('greets again, takes what the welcome says, and tells its device where the inbox stands', () => {
    const stage = new Stage().live();
    expect(stage.tell(lost({ own: true }))).toEqual([greeting]);
    const body = { $case: 'welcome', value: { inboxHead: 9 } } as never;
    const told = stage.tell({
      kind: 'welcomed',
      body,
      mayWrite: false,
      manifest,
      mayEnter: true,
      consent: { hidden: [], inviteFromMs: 0 },
    });
    expect(told).toEqual([{ kind: 'pushed', request: 0, body: { $case: 'inboxMoved', value: { head: 9 } } }]);
  });

  // It was live for the old place of the user when it was welcomed, and heard nothing of the new one.
  it('before the welcome, greets again after it', () => {
    const stage = new Stage();
    stage.tell({ kind: 'opened' });
    stage.send(1, hello);
    expect(stage.tell(lost({ own: true }))).toEqual([]);
    const identity = { user: ann, device: 2, deviceId: 'AB', deviceName: 'phone' };
    stage.tell({ kind: 'tokenChecked', identity });
    expect(stage.tell(lost({ own: true }))).toEqual([]);
    const effects = stage.tell({
      kind: 'welcomed',
      body: welcome,
      mayWrite: true,
      manifest,
      mayEnter: true,
      consent: { hidden: [], inviteFromMs: 0 },
    });
    expect(effects.at(-1)).toEqual(greeting);
    expect(effects).toHaveLength(3);
  });

  it('does nothing once it is closed', () => {
    const stage = new Stage().live();
    stage.send(2, hello);
    expect(stage.tell(lost({ rooms: [room], own: true }))).toEqual([]);
  });
});
