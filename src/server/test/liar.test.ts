// A server that lies is noticed by the SDK, each time. Every line of the list is run twice: with all defences the alarm is raised, nothing forged is
// shown or encrypted to, and sending freezes where it says so; without the defences that it names the very same lie is believed.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { People } from '#client/devices/people.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { RoomReplica } from '#client/room/room.ts';
import { eventually, ProviderProcess } from './harness.ts';
import { doubleClasses, off } from './liar-doubles.ts';
import {
  type Cast,
  dismiss,
  gather,
  hasManifest,
  join,
  newPerson,
  newRoom,
  reads,
  roomWithoutAlice,
  type Scene,
  says,
  secondDevice,
} from './liar-scene.ts';
import type { Lie } from './lies/lie.ts';
import { lies } from './lies/lies.ts';

vi.mock('#proto/rules/record/payload.ts', async (load) =>
  (await import('./liar-doubles.ts')).payloadWith(load as never),
);
vi.mock('#proto/rules/record/event.ts', async (load) => (await import('./liar-doubles.ts')).eventWith(load as never));
vi.mock('#proto/rules/bytes/hash.ts', async (load) => (await import('./liar-doubles.ts')).hashWith(load as never));
vi.mock('#proto/rules/identity/manifest.ts', async (load) =>
  (await import('./liar-doubles.ts')).manifestWith(load as never),
);
vi.mock('#proto/rules/control/rules.ts', async (load) =>
  (await import('./liar-doubles.ts')).controlRulesWith(load as never),
);
vi.mock('#proto/rules/control/chain.ts', async (load) =>
  (await import('./liar-doubles.ts')).controlChainWith(load as never),
);
vi.mock('#client/chain/behind-checkpoint.ts', async (load) =>
  (await import('./liar-doubles.ts')).behindCheckpointWith(load as never),
);
vi.mock('#proto/rules/control/state.ts', async (load) =>
  (await import('./liar-doubles.ts')).controlStateWith(load as never),
);
vi.mock('#proto/rules/record/slots.ts', async (load) => (await import('./liar-doubles.ts')).slotsWith(load as never));
vi.mock('#client/room/room-rows.ts', async (load) => (await import('./liar-doubles.ts')).roomRowsWith(load as never));

// One person may change another's standing twenty times at once, then once a minute: after so many rooms others play.
const roomsPerCast = 8;

let provider: ProviderProcess;
let cast: Cast;
let rooms = 0;
/** A room of Alice and Eve that no lie is about. */
let beside: string;
const strangers: LuxchatClient[] = [];
let undouble: () => void;

beforeAll(async () => {
  undouble = doubleClasses({ RoomReplica, People });
  provider = await ProviderProcess.start();
  await newCast();
}, 60_000);

afterEach(() => off.clear());

afterAll(async () => {
  undouble();
  await Promise.allSettled(strangers.map((client) => client.close()));
  if (cast) await dismiss(cast);
  await provider?.remove();
});

async function newCast(): Promise<void> {
  cast = await gather(provider);
  beside = await cast.alice.startDirect(cast.eve.user);
  await join(cast.eve, beside);
}

/** Alice reads what was written after all that the liar told: what has not come of it by now will not. */
async function laterWord({ alice, eve, liar }: Scene): Promise<void> {
  liar.repent();
  const word = `${rooms} is over`;
  await says(eve, beside, word);
  await reads(alice, beside, word);
}

/** What told Alice in this room: alarms, and causes of what is not shown. */
async function heard({ alarms, alice, bob, room }: Scene): Promise<string[]> {
  const lines = alice.rooms().some((each) => each.room === room) ? await alice.timeline(room) : [];
  const causes = lines.flatMap(({ trouble }) => trouble ?? []);
  const here = alarms.filter((alarm) => alarm.room === room || (!alarm.room && alarm.user === bob.user));
  return [...here.map(({ code }) => code), ...causes];
}

async function stage(lie: Lie, ...more: Lie['without']): Promise<Scene> {
  if (++rooms % roomsPerCast === 0) {
    await dismiss(cast);
    await newCast();
  }
  const scene = await (lie.absent ? roomWithoutAlice(cast) : lie.devices ? strangersRoom(lie.devices) : newRoom(cast));
  expect(frozenAt(scene) ?? '').toBe('');
  for (const defence of [...(lie.given ?? []), ...more]) off.add(defence);
  return scene;
}

const frozenAt = ({ alice, room }: Scene) => alice.rooms().find((each) => each.room === room)?.frozen;

async function strangersRoom(devices: 1 | 2): Promise<Scene> {
  const owner = await newPerson(cast);
  strangers.push(owner);
  const scene = await newRoom(cast, owner);
  if (devices === 1) return scene;
  const second = await secondDevice(cast, owner);
  strangers.push(second);
  await hasManifest(cast, owner.user, 2);
  return { ...scene, second };
}

describe.each(lies)('a server that $lie', (lie) => {
  it(`is noticed: ${lie.noticed}`, async () => {
    const scene = await stage(lie);
    await lie.tell(scene);
    await eventually(`${lie.noticed} was heard`, async () => (await heard(scene)).includes(lie.noticed));
    expect(await lie.believed(scene)).toBe(false);
    if (lie.silent) expect(await heard(scene)).toEqual([lie.noticed]);
    await laterWord(scene);
    expect(await lie.believed(scene)).toBe(false);
    expect(frozenAt(scene)).toBe(lie.freezes ? lie.noticed : '');
    if (!lie.freezes) return;
    const written = () =>
      scene.liar.asked.filter((asked) => asked.$case === 'submit' && asked.value.room === scene.room).length;
    const before = written();
    await scene.alice.send(scene.room, 'not to be sent').catch(() => {});
    await scene.alice.flushed(20_000);
    expect(written()).toBe(before);
    await laterWord(scene);
    expect(written()).toBe(before);
  });

  it(`would be believed without: ${lie.without.join(', ')}`, async () => {
    const scene = await stage(lie, ...lie.without);
    await lie.tell(scene);
    await eventually('the lie is believed', () => lie.believed(scene));
    await laterWord(scene);
    expect(await heard(scene)).not.toContain(lie.noticed);
  });
});
