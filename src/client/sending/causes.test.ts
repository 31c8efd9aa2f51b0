// Every cause for which a message can not be shown, produced: by true engines, one that seals and one that opens, and a server that does what leads to it.
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Content } from '#proto/gen/content.ts';
import { type Event, EventHeader, EventKind } from '#proto/gen/record.ts';
import { type AlarmCode, type TroubleCause, troubleCauses } from '../alarms.ts';
import type { CryptoEngine } from '../crypto/engine.ts';
import { alice, bob, room, TestWorld, wide } from '../crypto/test-world.ts';
import type { DeviceStanding } from '../devices/people.ts';
import type { Parts } from '../parts.ts';
import { portablePrimitives as primitives } from '../primitives.ts';
import { type Opened, openEvent, type Sealable, sealEvent } from './content.ts';
import { textContent } from './text-content.ts';

const carol = '@carol:lux';
const hash = new Uint8Array(32);
const listed: DeviceStanding = { number: 1, removed: false };

let world: TestWorld;
let a1: CryptoEngine;
let b1: CryptoEngine;

beforeEach(async () => {
  world = new TestWorld();
  a1 = await world.device(alice, '1', { first: true });
  b1 = await world.device(bob, '1', { first: true });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await world.close();
});

let sendId = 0;

/** What somebody's device says; everybody's device with whom it is here gets the key once `world.settle` brings it. */
async function said(by: CryptoEngine, over: Partial<Sealable> = {}): Promise<Event> {
  const parts = { engine: by, primitives, device: 1, rotation: wide } as unknown as Parts;
  const recipients = world.server.recipients(...world.server.users.keys());
  const head = { control: { number: 1, hash }, seen: { seq: 1, hash }, manifest: { version: 1, hash } };
  const place = { room, member: 1, sendId: ++sendId, recipients, ...head };
  const content = textContent('hi');
  const sealable = {
    kind: EventKind.EVENT_KIND_CONTENT,
    content,
    counts: true,
    writtenMs: 1,
    slot: '',
    slotVersion: 0,
  };
  const { event } = await sealEvent(parts, place, { ...sealable, ...over });
  return event;
}

/** The same, with its key. */
async function heard(over: Partial<Sealable> = {}): Promise<Event> {
  const event = await said(a1, over);
  await world.settle();
  return event;
}

interface Opening {
  readonly by: CryptoEngine;
  readonly sender: string;
  /** What the lists say of the device; undefined = they can't be had. */
  readonly standing: DeviceStanding | undefined;
  readonly committed: Uint8Array;
  readonly changed: Partial<EventHeader>;
}

function opens({ header, body }: Event, over: Partial<Opening> = {}): Promise<Opened> {
  const { by, sender, standing, committed, changed } = { by: b1, sender: alice, standing: listed, ...over };
  const people = {
    tryRefresh: async () => false,
    approvals: { meetCommitted: async () => false },
    deviceStanding: async () => ('standing' in over ? over.standing : standing),
  };
  const parts = { engine: by, primitives, people } as unknown as Parts;
  const said = { ...EventHeader.decode(header), ...changed };
  return openEvent(parts, { header: said, body, sender, committed, stamp: { acceptedMs: 1 }, afterMs: 0 });
}

/** A device of Bob that has the keys of this one out of a key file. */
async function fromFile(): Promise<CryptoEngine> {
  const file = await b1.exportKeys('p');
  const b2 = await world.device(bob, '2');
  await b2.importKeys(file, 'p');
  return b2;
}

/** Alice begins another identity on another device, and Bob's device hears of it. */
async function startedOver(): Promise<CryptoEngine> {
  await heard();
  world.server.users.delete(alice);
  const again = await world.device(alice, '9', { first: true });
  await b1.refresh([alice]);
  return again;
}

/** What Alice's library encrypts is `content`, and not what her engine gave it. */
function encrypts(content: object): void {
  const { encryptRoomEvent } = wasm.OlmMachine.prototype;
  vi.spyOn(wasm.OlmMachine.prototype, 'encryptRoomEvent').mockImplementation(function (
    this: wasm.OlmMachine,
    where: wasm.RoomId,
    type: string,
  ) {
    return encryptRoomEvent.call(this, where, type, JSON.stringify(content));
  });
}

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replace(/=+$/, '');
/** What is said next is these bytes, which no version of this program would say. */
function saysBytes(...bytes: number[]): void {
  vi.spyOn(Content, 'encode').mockReturnValueOnce({ finish: () => Uint8Array.from(bytes) } as never);
}

const cases: Record<TroubleCause, Readonly<Record<string, () => Promise<Opened>>>> = {
  NO_KEY: {
    'the key is on its way': async () => opens(await said(a1)),
    'it was moved from another room': async () => opens(await heard(), { changed: { room: '!other:lux' } }),
  },
  WITHHELD: {
    'this device was not confirmed when it was written': async () => {
      const b2 = await world.device(bob, '2');
      return opens(await heard(), { by: b2 });
    },
  },
  UNKNOWN_INDEX: {
    'this device came in the middle of a session': async () => {
      const before = await heard();
      const b2 = await world.device(bob, '2');
      await world.verify(b1, b2);
      await heard();
      return opens(before, { by: b2 });
    },
  },
  UNKNOWN_DEVICE: {
    'its key comes out of a file, and the sender has no such device': async () => {
      const event = await heard();
      return opens(event, { by: await fromFile(), sender: bob });
    },
    'the list that it names can not be had': async () => opens(await heard(), { standing: undefined }),
    'its key comes out of a file, and it sets a name': async () => {
      const event = await heard({ kind: EventKind.EVENT_KIND_SLOT, counts: false, slot: 'name', slotVersion: 1 });
      return opens(event, { by: await fromFile() });
    },
  },
  NOT_CROSS_SIGNED: {
    'nobody signed the device as far as is known': async () => {
      const c1 = await world.device(carol, '1', { first: true, alone: true });
      await c1.track([alice, bob]);
      const event = await said(c1);
      await world.receive(b1);
      return opens(event, { sender: carol });
    },
  },
  SENDER_REMOVED: {
    'the device was taken off before it came': async () =>
      opens(await heard(), { standing: { number: 1, removed: true } }),
  },
  KEY_MISMATCH: {
    'an own device says of the session that a device of another key made it': async () => {
      const event = await heard();
      await b1.startBackup(1, new Uint8Array(32).fill(1));
      const [session] = (await b1.takeBackup())!.sessions;
      const b2 = await world.device(bob, '2');
      await b2.importSessions(1, [{ ...session!, sender: { user: alice, device: '1', key: hash } }]);
      return opens(event, { by: b2 });
    },
  },
  SENDER_MISMATCH: {
    'the log names another': async () => opens(await heard(), { sender: bob }),
  },
  IDENTITY_CHANGED: {
    'its sender started over and nobody approved it': async () => {
      const event = await said(await startedOver());
      await world.receive(b1);
      return opens(event);
    },
    'it was approved, and the room names the one of before': async () =>
      opens(await heard(), { standing: { ...listed, listedAs: hash }, committed: new Uint8Array(32).fill(1) }),
  },
  BINDING_MISMATCH: {
    'it has another number': async () => opens(await heard(), { changed: { sendId: 7_777 } }),
    'it is of another device of its author': async () => opens(await heard(), { standing: { ...listed, number: 2 } }),
  },
  REPLAY: {
    'it came before under another number': async () => {
      const event = await heard();
      await opens(event);
      return opens(event, { changed: { sendId: 7_777 } });
    },
  },
  BAD_CIPHERTEXT: {
    'it is no encrypted body': async () => opens({ ...(await heard()), body: Uint8Array.of(1, 2, 3) }),
    'it is a slot and its body is none': async () =>
      opens(await heard(), { changed: { kind: EventKind.EVENT_KIND_SLOT } }),
  },
  BAD_CONTENT: {
    'it was made by another program with the same library': async () => {
      encrypts({ body: 'hi', msgtype: 'm.text' });
      return opens(await heard());
    },
    'no payload is inside': async () => {
      encrypts({ p: base64(Uint8Array.of(255)) });
      return opens(await heard());
    },
    'its content can not be decoded': async () => {
      saysBytes(255);
      return opens(await heard());
    },
  },
  UNKNOWN_CONTENT: {
    'a later version made it': async () => {
      // Field 2,000, a varint.
      saysBytes(128, 125, 1);
      return opens(await heard());
    },
  },
};

const alarms: Partial<Record<TroubleCause, AlarmCode>> = {
  SENDER_MISMATCH: 'MESSAGE_TRANSPLANTED',
  BINDING_MISMATCH: 'MESSAGE_TRANSPLANTED',
  REPLAY: 'MESSAGE_REPLAYED',
};

it('a message for which none holds is shown, so that the causes below mean something', async () => {
  expect(await opens(await heard())).toMatchObject({ content: textContent('hi'), unproven: false });
});

it('each cause of the list is produced here', () => {
  const produced = Object.entries(cases).filter(([, ways]) => Object.keys(ways).length > 0);
  expect(produced.map(([cause]) => cause).sort()).toEqual([...troubleCauses].sort());
});

describe.each(Object.entries(cases))('%s: a message can not be shown where', (cause, ways) => {
  it.each(Object.entries(ways))('%s', async (_why, produce) => {
    const opened = await produce();
    expect(opened).toMatchObject({ trouble: cause });
    expect('trouble' in opened && opened.alarm).toBe(alarms[cause as TroubleCause]);
  });
});
