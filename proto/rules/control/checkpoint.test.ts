// Starting a chain from a CHECKPOINT: from what it signs, from nothing else, and never as another room than the one that was asked for.
import { describe, expect, it } from 'vitest';
import { ControlKind, ControlState, Role } from '../../gen/record.ts';
import { type Actor, bodyAfter, bytesOf, signBody, testPrimitives } from '../../golden/cast.ts';
import { accept, ada, ben, cid, leave } from '../../golden/people.ts';
import { Story } from '../../golden/story.ts';
import { stateHash } from '../bytes/hash.ts';
import { Roll } from '../identity/roll.ts';
import { applyControl, startFromCheckpoint } from './chain.ts';
import { type ControlState as ControlTable, decodeState, encodeState, hashState } from './state.ts';

const K = ControlKind;

describe('a checkpoint', () => {
  function long(): { story: Story; stateBytes: Uint8Array; at: number } {
    const story = Story.acquainted(ada, ben);
    story.join(1, ben, Role.ROLE_ADMIN);
    story.join(2, cid);
    story.do(3, leave(3));
    const stateBytes = encodeState(story.state!);
    story.do(2, { kind: K.CONTROL_KIND_CHECKPOINT, stateHash: hashState(story.state!, testPrimitives) });
    const at = story.entries.length - 1;
    story.do(1, { kind: K.CONTROL_KIND_INVITE, target: 3, role: Role.ROLE_MEMBER });
    story.do(3, accept(3));
    return { story, stateBytes, at };
  }

  it('of another state is refused, and a member can sign none', () => {
    const { story } = long();
    const wish = { kind: K.CONTROL_KIND_CHECKPOINT, stateHash: hashState(story.state!, testPrimitives) };
    expect(story.attempt(1, { ...wish, stateHash: bytesOf('other') })).toBe('WRONG_STATE');
    expect(story.attempt(3, wish)).toBe('ROLE_TOO_LOW');
    expect(story.attempt(1, wish)).toBe(null);
  });

  it('lets a reader start there and reach the same state as from the genesis', () => {
    const { story, stateBytes, at } = long();
    const first = story.entries[at]!;
    const started = startFromCheckpoint(stateBytes, first.entry, { ...story.context, seq: first.seq, fresh: false });
    let state = started.state ?? null;
    for (const { seq, entry } of story.entries.slice(at + 1)) {
      state = applyControl(state, entry, { ...story.context, seq, fresh: false }).state ?? null;
    }
    expect(state).not.toBe(null);
    expect(encodeState(state!)).toEqual(encodeState(story.state!));
    expect(state).toEqual(story.state);
  });

  it('does not start from another state or another kind of entry', () => {
    const { story, stateBytes, at } = long();
    const { entry, seq } = story.entries[at]!;
    const context = { ...story.context, seq, fresh: false };
    const raised = decodeState(stateBytes);
    if (typeof raised === 'string') throw new Error(raised);
    const forged = encodeState({
      ...raised,
      members: raised.members.put({ ...raised.members.get(3)!, role: Role.ROLE_OWNER }),
    });
    expect(startFromCheckpoint(forged, entry, context).invalid).toBe('WRONG_STATE');
    expect(startFromCheckpoint(stateBytes.subarray(1), entry, context).invalid).toBe('WRONG_STATE');
    expect(startFromCheckpoint(stateBytes, entry, { ...context, room: `!g${'a'.repeat(32)}:x` }).invalid).toBe(
      'WRONG_STATE',
    );
    const before = story.entries[at - 1]!;
    expect(startFromCheckpoint(stateBytes, before.entry, context).invalid).toBe('WRONG_STATE');
  });

  it('makes no group of a 1:1 room, seats nobody twice, and knows whose 1:1 room it is', () => {
    const story = Story.direct(ada, ben);
    story.join(1, ben);
    const from = (state: ControlTable, signer: Actor, roll = story.context.roll) => {
      const stateBytes = encodeState(state);
      const wish = { kind: K.CONTROL_KIND_CHECKPOINT, stateHash: stateHash(stateBytes, testPrimitives) };
      const entry = signBody(bodyAfter(state, signer, { actor: 1, ...wish }), signer.device(1).keys);
      return startFromCheckpoint(stateBytes, entry, { ...story.context, roll, seq: 9, fresh: false }).invalid;
    };
    const state = story.state!;
    expect(from(state, ada)).toBe(undefined);
    expect(from({ ...state, policy: { ...state.policy, direct: false } }, ada)).toBe('WRONG_STATE');
    const [first, second] = [state.members.get(1)!, state.members.get(2)!];
    expect(from({ ...state, members: state.members.put({ ...second, number: 3 }) }, ada)).toBe('WRONG_STATE');
    expect(from({ ...state, members: state.members.put({ ...second, person: first.person }) }, ada)).toBe(
      'SECOND_NUMBER',
    );
    story.know(2, cid);
    const forged = state.members.put({ ...second, person: cid.commitment });
    expect(from({ ...state, members: forged }, ada)).toBe('WRONG_PAIR');
    // Of whom nothing is known, nothing is said: erased people are in no roll.
    const roll = new Roll(testPrimitives);
    roll.addPerson(ada.person(1));
    roll.addCredential(ada.credential(1, 1));
    expect(from({ ...state, members: forged }, ada, roll)).toBe(undefined);
  });

  it('of a later version says so, where an admin signed it; unsigned additions are a wrong state', () => {
    const { story, stateBytes, at } = long();
    const { seq } = story.entries[at]!;
    const context = { ...story.context, seq, fresh: false };
    const state = ControlState.decode(stateBytes);
    const news = { 7994: [Uint8Array.of(2, 1, 2)] };
    for (const image of [
      { ...state, _unknownFields: news },
      { ...state, members: state.members.map((member) => ({ ...member, _unknownFields: news })) },
    ]) {
      const later = ControlState.encode(image).finish();
      const body = {
        ...bodyAfter(story.state, ada, { kind: K.CONTROL_KIND_CHECKPOINT }),
        number: state.head!.number + 1,
      };
      const checkpoint = { ...body, previousHash: state.head!.hash, stateHash: stateHash(later, testPrimitives) };
      const signed = signBody(checkpoint, ada.device(1).keys);
      expect(startFromCheckpoint(later, signed, context).invalid).toBe('UNKNOWN_KIND');
      expect(startFromCheckpoint(later, story.entries[at]!.entry, context).invalid).toBe('WRONG_STATE');
    }
  });
});
