// Properties of whole histories: whatever people try, only what the chain allows gets in, and every reader ends with the same state.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ControlBody, ControlKind, HistoryFrom, MemberStatus, Role } from '../../gen/record.ts';
import { bytesOf, makeActor, signBody, testPrimitives } from '../../golden/cast.ts';
import { groupPolicy, Story } from '../../golden/story.ts';
import { equalBytes } from '../bytes/bytes.ts';
import { Roll } from '../identity/roll.ts';
import { applyControl, type ControlContext } from './chain.ts';
import { type ControlState, decodeState, encodeState, hashState } from './state.ts';

const K = ControlKind;
const S = MemberStatus;
const people = Array.from({ length: 8 }, (_, i) => makeActor(`@p${i}:home.lu`));

/** Something that somebody tries: mostly sensible, often not allowed. */
interface Attempt {
  readonly kind: ControlKind;
  readonly actor: number;
  readonly target: number;
  readonly role: Role;
}

const kinds = Object.values(K).filter((kind) => kind !== 0 && kind !== K.CONTROL_KIND_DEPART);
const attempt: fc.Arbitrary<Attempt> = fc.record({
  kind: fc.oneof(fc.constantFrom(...kinds), fc.constantFrom(K.CONTROL_KIND_INVITE, K.CONTROL_KIND_ACCEPT)),
  actor: fc.integer({ min: 1, max: people.length }),
  target: fc.integer({ min: 1, max: people.length }),
  role: fc.constantFrom(Role.ROLE_MEMBER, Role.ROLE_MODERATOR, Role.ROLE_ADMIN, Role.ROLE_OWNER),
});
const history = fc.record({
  direct: fc.boolean(),
  fromStart: fc.boolean(),
  attempts: fc.array(attempt, { minLength: 1, maxLength: 60 }),
});

type History = typeof history extends fc.Arbitrary<infer Told> ? Told : never;

function wishOf(story: Story, { kind, actor, target, role }: Attempt) {
  const self = kind === K.CONTROL_KIND_ACCEPT || kind === K.CONTROL_KIND_DECLINE || kind === K.CONTROL_KIND_LEAVE;
  const isNew = (story.state?.members.size ?? 0) < target;
  const direct = story.state?.policy.direct ?? false;
  switch (kind) {
    case K.CONTROL_KIND_INVITE: {
      const given = direct ? Role.ROLE_ADMIN : role;
      return { kind, target, role: given, ...(isNew ? { person: people[target - 1]!.commitment } : {}) };
    }
    case K.CONTROL_KIND_ROLE:
      return { kind, target, role };
    case K.CONTROL_KIND_IDENTITY:
      return { kind, target, person: bytesOf(`identity ${target} ${story.seq}`) };
    case K.CONTROL_KIND_POLICY:
      return { kind, policy: { ...groupPolicy, inviteRole: role } };
    case K.CONTROL_KIND_HUB:
      return { kind, hub: { provider: 'other.lu', epoch: (story.state?.hub.epoch ?? 0) + 1 } };
    case K.CONTROL_KIND_CHECKPOINT:
      return { kind, stateHash: hashState(story.state!, testPrimitives) };
    default:
      return { kind, target: self ? actor : target };
  }
}

function tell({ direct, fromStart, attempts }: History, each?: (story: Story) => void): Story {
  const reach = fromStart ? HistoryFrom.HISTORY_FROM_START : HistoryFrom.HISTORY_FROM_JOIN;
  const [one, other] = people;
  const story = direct ? Story.direct(one!, other!, reach) : Story.group(one!, { ...groupPolicy, history: reach });
  for (const [index, actor] of people.entries()) story.know(index + 1, actor);
  for (const next of attempts) {
    story.offer(story.sign(next.actor, wishOf(story, next)), { fresh: next.kind !== K.CONTROL_KIND_IDENTITY });
    each?.(story);
  }
  return story;
}

/** What must hold in every state that can be reached. */
function checkState(state: ControlState): void {
  const all = [...state.members];
  const joined = all.filter((member) => member.status === S.MEMBER_STATUS_JOINED);
  const invited = all.filter((member) => member.status === S.MEMBER_STATUS_INVITED);
  expect(all.map((member) => member.number)).toEqual(all.map((_, index) => index + 1));
  expect(state.joined).toBe(joined.length);
  expect(state.counted).toBe(joined.length + invited.length);
  expect(state.owners).toBe(joined.filter((member) => member.role === Role.ROLE_OWNER).length);
  expect(new Set(all.map((member) => String(member.person))).size).toBe(all.length);
  for (const member of all) {
    const open = member.stays.filter((stay) => stay.through === 0).length;
    expect(open).toBe(member.status === S.MEMBER_STATUS_JOINED ? 1 : 0);
    expect(member.changed).toBeLessThanOrEqual(state.number);
  }
  if (state.policy.direct) {
    expect(all.length).toBeLessThanOrEqual(2);
    expect(all.every((member) => member.role === Role.ROLE_ADMIN)).toBe(true);
  }
}

describe('any history', () => {
  it('keeps members, counts and stays consistent after every entry', () => {
    fc.assert(
      fc.property(history, (told) => {
        tell(told, (story) => checkState(story.state!));
      }),
      { numRuns: 100 },
    );
  });

  it('loses its last owner only by a new identity', () => {
    fc.assert(
      fc.property(history, (told) => {
        const attempts = told.attempts.filter(({ kind }) => kind !== K.CONTROL_KIND_IDENTITY);
        const { state } = tell({ ...told, direct: false, attempts });
        expect(state!.owners > 0 || state!.joined === 0).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('is read by everyone to the same state, from the genesis or from any state in between', () => {
    fc.assert(
      fc.property(history, fc.nat(), (told, pick) => {
        const story = tell(told);
        const roll = new Roll(testPrimitives);
        for (const [index, actor] of people.entries()) {
          roll.addPerson(actor.person(index + 1));
          roll.addCredential(actor.credential(index + 1, 1));
        }
        const context: Omit<ControlContext, 'seq'> = { ...story.context, roll, fresh: false };
        let state: ControlState | null = null;
        for (const [index, { seq, entry }] of story.entries.entries()) {
          const result = applyControl(state, entry, { ...context, seq });
          expect(result.invalid).toBe(undefined);
          state = result.state!;
          if (index !== pick % story.entries.length) continue;
          const read = decodeState(encodeState(state));
          if (typeof read === 'string') throw new Error(read);
          state = read;
        }
        expect(hashState(state!, testPrimitives)).toEqual(hashState(story.state!, testPrimitives));
        expect(state).toEqual(story.state);
      }),
      { numRuns: 50 },
    );
  });

  it('takes no entry that was changed after it was signed, nor one of an earlier moment', () => {
    const change = fc.constantFrom(
      (body: ControlBody) => ({ ...body, number: body.number + 1 }),
      (body: ControlBody) => ({ ...body, number: body.number - 1 }),
      (body: ControlBody) => ({ ...body, previousHash: bytesOf('another past') }),
      (body: ControlBody) => ({ ...body, room: `!g${'b'.repeat(32)}:home.lu` }),
    );
    fc.assert(
      fc.property(history, change, fc.nat(2_000), (told, mutate, bit) => {
        const story = tell({ ...told, direct: false });
        const wish = { kind: K.CONTROL_KIND_POLICY, policy: groupPolicy };
        const leader = [...story.state!.members].find(
          (member) => member.status === S.MEMBER_STATUS_JOINED && member.role >= Role.ROLE_ADMIN,
        );
        fc.pre(leader !== undefined && equalBytes(leader.person, people[leader.number - 1]!.commitment));
        const entry = story.sign(leader!.number, wish);
        const { keys } = people[leader!.number - 1]!.device(1);
        expect(story.fork().offer(entry).invalid).toBe(undefined);
        expect(story.fork().offer(signBody(mutate(ControlBody.decode(entry.signed)), keys)).invalid).toBeDefined();
        const flip = (bytes: Uint8Array) =>
          bytes.map((byte, index) => (index === (bit >> 3) % bytes.length ? byte ^ (1 << (bit & 7)) : byte));
        expect(story.fork().offer({ ...entry, signed: flip(entry.signed) }).invalid).toBeDefined();
        expect(story.fork().offer({ ...entry, signature: flip(entry.signature) }).invalid).toBeDefined();
      }),
      { numRuns: 100 },
    );
  });

  it('takes bytes of any kind without throwing', () => {
    const story = tell({ direct: false, fromStart: false, attempts: [] });
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        (signed, signature) => {
          expect(story.fork().offer({ signed, signature }).invalid).toBeDefined();
        },
      ),
    );
  });
});
