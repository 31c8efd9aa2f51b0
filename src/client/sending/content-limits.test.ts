// Each bound at n and at n + 1, through the public methods; and what passes at n fits the hub's bounds with the longest room id, under the true engine,
// which wraps what is said in base64 twice.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Accepted } from '#proto/gen/client.ts';
import { Content } from '#proto/gen/content.ts';
import { type Event, EventHeader, EventKind, MemberStatus, type SlotWrite } from '#proto/gen/record.ts';
import { limits } from '#proto/rules/limits.ts';
import { checkBody, decodeHeader } from '#proto/rules/record/event.ts';
import { decodeSlotWrite } from '#proto/rules/record/slots.ts';
import type { CryptoEngine } from '../crypto/engine.ts';
import { TestWorld } from '../crypto/test-world.ts';
import { portablePrimitives as primitives } from '../primitives.ts';
import { ScriptedSession } from '../testing/scripted-session.ts';
import { contentLimits } from './content-limits.ts';
import { textContent } from './text-content.ts';

const provider = Array.from({ length: 4 }, () => 'p'.repeat(16))
  .join('.')
  .slice(0, limits.providerCharactersMax);
const room = `!g${'a'.repeat(32)}:${provider}`;
const id = '1.1.7';
// As large as numbers get, so that nothing grows after this test.
const huge = 2 ** 50;
const { textBytesMax, contentBytesMax, slotContentBytesMax, reactionBytesMax } = contentLimits;

let world: TestWorld;
let session: ScriptedSession;
const events: Event[] = [];

beforeAll(async () => {
  world = new TestWorld();
  const engine: CryptoEngine = await world.device('@me:localhost', 'ME', { first: true });
  session = new ScriptedSession(
    (asked) => {
      if (asked.$case !== 'submit' || !asked.value.event) return undefined;
      events.push(asked.value.event);
      return { $case: 'accepted', value: { ...Accepted.decode(new Uint8Array()), seq: events.length } };
    },
    { engine },
  );
  const { client } = session;
  await client.start();
  await client.synced();
  Object.defineProperty(client.ownDevices, 'confirmed', { value: true });
  const { replica } = client.held.hold(room);
  const self = { number: 1, status: MemberStatus.MEMBER_STATUS_JOINED, role: 4, stays: [] };
  const members = Object.assign([self], { get: () => self, size: 1 });
  const state = {
    members,
    policy: { direct: false },
    number: huge,
    hash: new Uint8Array(32),
    joined: 1,
    lastRemoval: 0,
  };
  const nobody = { person: () => undefined };
  const known = { user: () => '@me:localhost', memberOf: () => 65_535, ...nobody, roll: nobody };
  Object.assign(replica, { chain: { state, number: huge, ...known } });
  const head = { incarnation: 1, seq: huge, acceptedMs: huge, count: huge, hash: new Uint8Array(32) };
  Object.assign(replica.local, { status: MemberStatus.MEMBER_STATUS_JOINED, lastSendId: huge, head });
});
afterAll(async () => {
  await session?.client.close();
  await world?.close();
});

/** The event that this made the device submit. */
async function submitted(say: () => Promise<unknown>): Promise<Event> {
  const before = events.length;
  await say();
  await session.client.flushed(5_000);
  expect(events).toHaveLength(before + 1);
  return events.at(-1) as Event;
}

/** A content that is encoded in exactly so many bytes. */
function contentOf(bytes: number): Content {
  const length = (content: Content) => Content.encode(content).finish().length;
  const content = textContent('a'.repeat(bytes - (length(textContent('a'.repeat(bytes))) - bytes)));
  expect(length(content)).toBe(bytes);
  return content;
}

const bad = { code: 'BAD_ARGUMENT' };

describe('what is said', () => {
  it('the room id is as long as one can be', () => {
    expect(provider).toHaveLength(limits.providerCharactersMax);
  });

  it('of a text of 16,384 bytes goes out, of one more byte not', async () => {
    await submitted(() => session.client.send(room, 'a'.repeat(textBytesMax)));
    await expect(session.client.send(room, 'a'.repeat(textBytesMax + 1))).rejects.toMatchObject(bad);
    await expect(session.client.send(room, `${'é'.repeat(textBytesMax / 2)}!`)).rejects.toMatchObject(bad);
    await expect(session.client.send(room, '')).rejects.toMatchObject(bad);
  });

  it('of a content of 24,576 bytes fits a body, and one more byte is refused', async () => {
    const { header, body } = await submitted(() => session.client.sendContent(room, contentOf(contentBytesMax)));
    expect(checkBody(decodeHeader(header) as EventHeader, body, primitives)).toBeNull();
    expect(body.length).toBeLessThanOrEqual(limits.bodyBytesMax);
    await expect(session.client.sendContent(room, contentOf(contentBytesMax + 1))).rejects.toMatchObject(bad);
  });

  it('of a name whose content has 1,536 bytes fits a slot, and one more byte is refused', async () => {
    const over = Content.encode({
      ...textContent(''),
      body: { $case: 'slotText', value: { text: 'a'.repeat(1_000) } },
    });
    const name = 'a'.repeat(slotContentBytesMax - (over.finish().length - 1_000));
    const { header, body } = await submitted(() => session.client.setName(room, name));
    expect(EventHeader.decode(header).kind).toBe(EventKind.EVENT_KIND_SLOT);
    const write = decodeSlotWrite(body) as SlotWrite;
    expect(write.value.length).toBeLessThanOrEqual(limits.slotValueBytesMax);
    expect(body.length).toBeLessThanOrEqual(limits.slotWriteBytesMax);
    await expect(session.client.setName(room, `${name}a`)).rejects.toMatchObject(bad);
    await expect(session.client.createGroup({ name: `${name}a` })).rejects.toMatchObject(bad);
  });

  it('as a reaction has 1 to 32 bytes and no control characters', async () => {
    await submitted(() => session.client.react(room, id, 'é'.repeat(reactionBytesMax / 2)));
    for (const emoji of ['', `${'é'.repeat(reactionBytesMax / 2)}!`, 'a\n'])
      await expect(session.client.react(room, id, emoji)).rejects.toMatchObject(bad);
  });
});
