// Single entries of a chain: where they stand, who signed them, and what a genesis, a departure and a header are; what it keeps of versions that this one does not know.
import { describe, expect, it } from 'vitest';
import {
  ControlBody,
  type ControlEntry,
  ControlKind,
  ControlState,
  EventKind,
  MemberStatus,
  Role,
} from '../../gen/record.ts';
import { bodyAfter, bytesOf, keyPair, signBody, testPrimitives } from '../../golden/cast.ts';
import { ada, ben, inviteBen, leave } from '../../golden/people.ts';
import { groupPolicy, Story } from '../../golden/story.ts';
import { concatBytes } from '../bytes/bytes.ts';
import { applyControl, headerFitsControl } from './chain.ts';
import { controlFaults, rejectionOf } from './fault.ts';
import { decodeState, encodeState, hashState } from './state.ts';

const K = ControlKind;

const pair = () => Story.acquainted(ada, ben);

describe('an entry in its place', () => {
  it('is refused in another room, under another number, after another entry', () => {
    const story = pair();
    const before = story.state!;
    expect(story.attempt(1, { ...inviteBen, room: `!g${'a'.repeat(32)}:alpha.lu` })).toBe('WRONG_ROOM');
    expect(story.attempt(1, { ...inviteBen, number: 1 })).toBe('WRONG_NUMBER');
    expect(story.attempt(1, { ...inviteBen, number: 3 })).toBe('WRONG_NUMBER');
    expect(story.attempt(1, { ...inviteBen, previousHash: bytesOf('elsewhere') })).toBe('WRONG_PREVIOUS');
    expect(story.state).toBe(before);
  });

  it('is refused when the log that holds it is of another room', () => {
    const story = pair();
    const entry = story.sign(1, inviteBen);
    expect(story.offer(entry, { room: `!g${'a'.repeat(32)}:alpha.lu` }).invalid).toBe('WRONG_ROOM');
  });

  it('can be applied once', () => {
    const story = pair();
    const entry = story.sign(1, inviteBen);
    expect(story.offer(entry).invalid).toBe(undefined);
    expect(story.offer(entry).invalid).toBe('WRONG_NUMBER');
  });

  it('is nothing before the genesis, and a genesis nothing after it', () => {
    const story = pair();
    const genesis = story.entries[0]!.entry;
    expect(story.offer(genesis).invalid).toBe('ALREADY_CREATED');
    const context = { ...story.context, seq: 1 };
    expect(applyControl(null, story.sign(1, inviteBen), context).invalid).toBe('NOT_CREATED');
  });
});

describe('a genesis', () => {
  const wish = {
    kind: K.CONTROL_KIND_CREATE,
    target: 1,
    person: ada.commitment,
    role: Role.ROLE_OWNER,
    policy: groupPolicy,
    hub: { provider: 'alpha.lu', epoch: 1 },
    nonce: bytesOf('nonce', 16),
  };
  const tryGenesis = (change: object, room = Story.group(ada).room) => {
    const story = pair();
    const entry = signBody({ ...bodyAfter(null, ada, wish), ...change }, ada.device(1).keys);
    return applyControl(null, entry, { ...story.context, room, seq: 1 }).invalid;
  };

  it('makes the id of its group', () => {
    expect(tryGenesis({})).toBe(undefined);
    expect(tryGenesis({ nonce: bytesOf('other', 16) })).toBe('WRONG_ROOM');
    expect(tryGenesis({}, `!g${'a'.repeat(32)}:alpha.lu`)).toBe('WRONG_ROOM');
    expect(tryGenesis({ room: Story.group(ada).room })).toBe('WRONG_ROOM');
  });

  it.each([
    [{ number: 2 }, 'WRONG_NUMBER'],
    [{ previousHash: bytesOf('before') }, 'WRONG_PREVIOUS'],
    [{ actor: 2, target: 2 }, 'WRONG_CREDENTIAL'],
    [{ nonce: new Uint8Array(0) }, 'MALFORMED'],
    [{ policy: undefined }, 'MALFORMED'],
    [{ hub: undefined }, 'MALFORMED'],
    [{ person: ben.commitment }, 'WRONG_CREDENTIAL'],
    [{ person: bytesOf('nobody') }, 'MISSING_PERSON'],
    [{ stateHash: bytesOf('x') }, 'MALFORMED'],
  ])('with %j is %s', (change, fault) => {
    expect(tryGenesis(change)).toBe(fault);
  });
});

describe('a signature', () => {
  it('of another person, another device or a changed body is refused', () => {
    const story = pair();
    const body = bodyAfter(story.state, ada, inviteBen);
    const good = signBody(body, ada.device(1).keys);
    const forged = signBody(body, ben.device(1).keys);
    const flipped = Uint8Array.from(good.signature, (byte, i) => (i === 5 ? byte ^ 1 : byte));
    const other = ControlBody.encode({ ...body, role: Role.ROLE_ADMIN }).finish();
    expect(story.fork().offer(forged).invalid).toBe('BAD_SIGNATURE');
    expect(story.fork().offer({ ...good, signature: flipped }).invalid).toBe('BAD_SIGNATURE');
    expect(story.fork().offer({ ...good, signed: other }).invalid).toBe('BAD_SIGNATURE');
    expect(story.fork().offer(good).invalid).toBe(undefined);
  });

  it('by a key that no credential proves is refused', () => {
    const story = pair();
    const stray = keyPair('stray');
    const body = { ...bodyAfter(story.state, ada, inviteBen), deviceKey: stray.publicKey };
    expect(story.offer(signBody(body, stray)).invalid).toBe('MISSING_CREDENTIAL');
    const onOtherDevice = { ...bodyAfter(story.state, ada, { ...inviteBen, device: 2 }) };
    expect(story.offer(signBody(onOtherDevice, ada.device(2).keys)).invalid).toBe('MISSING_CREDENTIAL');
    story.context.roll.addCredential(ada.credential(1, 2));
    expect(story.offer(signBody(onOtherDevice, ada.device(2).keys)).invalid).toBe(undefined);
  });

  it("with another person's credential is refused", () => {
    const story = pair();
    const body = {
      ...bodyAfter(story.state, ada, { ...inviteBen, device: 7 }),
      deviceKey: ben.device(7).keys.publicKey,
    };
    story.context.roll.addCredential(ben.credential(1, 7));
    expect(story.offer(signBody(body, ben.device(7).keys)).invalid).toBe('WRONG_CREDENTIAL');
  });

  it('covers bytes that have one reading only', () => {
    const story = pair();
    const signed = ControlBody.encode(bodyAfter(story.state, ada, inviteBen)).finish();
    const doubled = concatBytes(signed, Uint8Array.of(0x50, 1));
    const padded = concatBytes(signed, Uint8Array.of(0));
    const later = concatBytes(signed, Uint8Array.of(0xf8, 0x06, 1));
    const sign = (bytes: Uint8Array): ControlEntry => {
      const entry = signBody(bodyAfter(story.state, ada, inviteBen), ada.device(1).keys);
      return { ...entry, signed: bytes };
    };
    expect(story.fork().offer(sign(doubled)).invalid).toBe('MALFORMED');
    expect(story.fork().offer(sign(padded)).invalid).toBe('MALFORMED');
    expect(story.fork().offer(sign(later)).invalid).toBe('BAD_SIGNATURE');
  });

  it('of a kind of a later version says that the program is too old', () => {
    expect(pair().attempt(1, { kind: 99 as ControlKind })).toBe('UNKNOWN_KIND');
  });

  it('on a body over 2 KiB is refused, at 2 KiB it is read', () => {
    const story = pair();
    const body = bodyAfter(story.state, ada, { kind: K.CONTROL_KIND_POLICY, policy: groupPolicy });
    const size = ControlBody.encode(body).finish().length;
    const padTo = (bytes: number) => {
      const filler = new Uint8Array(bytes - size - 4);
      return { ...body, _unknownFields: { [(200 << 3) | 2]: [concatBytes(varint(filler.length), filler)] } };
    };
    expect(ControlBody.encode(padTo(2_048)).finish().length).toBe(2_048);
    expect(story.fork().offer(signBody(padTo(2_048), ada.device(1).keys)).invalid).toBe(undefined);
    expect(story.fork().offer(signBody(padTo(2_049), ada.device(1).keys)).invalid).toBe('MALFORMED');
  });
});

function varint(value: number): Uint8Array {
  return Uint8Array.of((value & 0x7f) | 0x80, value >>> 7);
}

describe('a departure', () => {
  const provider = keyPair('provider beta.lu');
  const foreign = keyPair('provider alpha.lu');
  const providerOf = (key: Uint8Array) =>
    new Map([
      [String(provider.publicKey), 'beta.lu'],
      [String(foreign.publicKey), 'alpha.lu'],
    ]).get(String(key));
  const depart = (story: Story, keys = provider, target = 2) => {
    const wish = { kind: K.CONTROL_KIND_DEPART, actor: 0, target };
    const body = { ...bodyAfter(story.state, ben, wish), device: 0, deviceKey: keys.publicKey };
    return story.offer(signBody(body, keys), { providerOf }).invalid;
  };

  it('is signed by the provider of the one who is gone', () => {
    const story = pair();
    story.join(1, ben);
    expect(depart(story.fork(), foreign)).toBe('WRONG_PROVIDER');
    expect(depart(story.fork(), keyPair('stray'))).toBe('WRONG_PROVIDER');
    expect(depart(story.fork(), provider, 1)).toBe('WRONG_PROVIDER');
    expect(depart(story.fork(), provider, 9)).toBe('WRONG_TARGET');
    expect(depart(story)).toBe(undefined);
    expect(story.state?.members.get(2)?.status).toBe(MemberStatus.MEMBER_STATUS_LEFT);
    expect(story.state?.lastRemoval).toBe(story.state?.number);
    expect(depart(story)).toBe('WRONG_STATUS');
  });

  it('is the only kind a provider can sign, and no device can', () => {
    const story = pair();
    story.join(1, ben);
    const body = {
      ...bodyAfter(story.state, ben, { ...leave(2), actor: 0 }),
      device: 0,
      deviceKey: provider.publicKey,
    };
    expect(story.offer(signBody(body, provider), { providerOf }).invalid).toBe('MALFORMED');
    expect(story.attempt(1, { kind: K.CONTROL_KIND_DEPART, target: 2 })).toBe('MALFORMED');
  });
});

describe('parts of a later version', () => {
  const news = { 7994: [Uint8Array.of(2, 1, 2)] };

  it('stay in policy and hub as they were signed, so that every version makes the same hash of the state', () => {
    const story = Story.group(ada, { ...groupPolicy, _unknownFields: news });
    const hub = { provider: 'next.lu', epoch: 2, _unknownFields: news };
    story.do(1, { kind: K.CONTROL_KIND_HUB, hub });
    const image = ControlState.decode(encodeState(story.state!));
    expect([image.policy?._unknownFields, image.hub?._unknownFields]).toEqual([news, news]);
    expect(decodeState(encodeState(story.state!))).toEqual(story.state);
    story.do(1, { kind: K.CONTROL_KIND_CHECKPOINT, stateHash: hashState(story.state!, testPrimitives) });
  });

  it('in the body itself change nothing', () => {
    const [plain, told] = [pair(), pair()];
    plain.do(1, inviteBen);
    told.do(1, { ...inviteBen, _unknownFields: news });
    const members = ({ state }: Story) => [...state!.members];
    expect(members(told)).toEqual(members(plain));
  });
});

describe('the closed list of faults', () => {
  it('has a rejection for each', () => {
    for (const fault of Object.keys(controlFaults) as (keyof typeof controlFaults)[]) {
      expect(rejectionOf(fault)).toBeGreaterThan(0);
    }
  });
});

describe('the header of a control event', () => {
  it('names the actor and its device, or device 0 of the one who departed', () => {
    const body = bodyAfter(null, ada, { kind: K.CONTROL_KIND_ACCEPT, actor: 4, target: 4, device: 2 });
    const header = { member: 4, device: 2, kind: EventKind.EVENT_KIND_CONTROL } as Parameters<
      typeof headerFitsControl
    >[0];
    expect(headerFitsControl(header, body)).toBe(true);
    expect(headerFitsControl({ ...header, member: 5 }, body)).toBe(false);
    expect(headerFitsControl({ ...header, device: 1 }, body)).toBe(false);
    const gone = { ...body, kind: K.CONTROL_KIND_DEPART, actor: 0, device: 0 };
    expect(headerFitsControl({ ...header, device: 0 }, gone)).toBe(true);
  });
});
