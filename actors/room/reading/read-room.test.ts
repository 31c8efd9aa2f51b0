import { describe, expect, it } from 'vitest';
import { type ReadRoom, type RoomSnapshot, ServerFrame } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlKind, Role } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { concatBytes } from '#proto/rules/bytes/bytes.ts';
import { applyControl, type ControlResult, startFromCheckpoint } from '#proto/rules/control/chain.ts';
import { type ControlState, hashState } from '#proto/rules/control/state.ts';
import { Roll } from '#proto/rules/identity/roll.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import { defaultRoomLimits } from '../limits.ts';
import { codeOf, policy, Stage, slotWrite } from '../testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');
const cid = makeActor('@cid:lux.example');
const K = ControlKind;
type User = typeof ada;

function ask(stage: Stage, user: User, given: Partial<ReadRoom>) {
  const read = { room: stage.room, fromControl: 0, slots: false, stateOffset: 0, afterSlot: '', ...given };
  return stage.tell({ kind: 'readRoom', from: stage.from(user), read }).answers[0]?.body;
}

function snapshot(stage: Stage, user: User, given: Partial<ReadRoom>): RoomSnapshot {
  const body = ask(stage, user, given);
  if (body?.$case !== 'roomSnapshot') throw new Error(`no snapshot: ${codeOf(body)}`);
  expect(ServerFrame.encode({ request: 4_000_000_000, body }).finish().length).toBeLessThanOrEqual(
    protocol.frameBytesMax,
  );
  return body.value;
}

/** What a device derives from the answers alone; throws where it can't. */
function derive(stage: Stage, user: User, from?: { state: Uint8Array; number: number; roll: Roll }): ControlState {
  const roll = from?.roll ?? new Roll(testPrimitives);
  let state: ControlState | null = null;
  for (let next = from?.number ?? 1; next > 0; ) {
    const page = snapshot(stage, user, { fromControl: next });
    for (const person of page.persons) expect(roll.addPerson(person)).toBe(true);
    for (const credential of page.credentials) expect(roll.addCredential(credential)).toBe(true);
    for (const { seq, entry } of page.control) {
      const primitives = testPrimitives;
      const context = { room: stage.room, seq, primitives, roll, providerOf: () => undefined, fresh: false };
      const result: ControlResult =
        state === null && from !== undefined
          ? startFromCheckpoint(from.state, entry!, context)
          : applyControl(state, entry!, context);
      if (result.state === undefined) throw new Error(result.invalid);
      state = result.state;
    }
    next = page.next;
  }
  return state!;
}

describe('the chain', () => {
  it('lets a device derive the very state of the hub, page by page', { timeout: 60_000 }, () => {
    const stage = Stage.group(ada, testPrimitives);
    for (let i = 2; i <= 110; i++) stage.join(ada, makeActor(`@user${i}:lux.example`));
    const first = snapshot(stage, ada, { fromControl: 1 });
    expect(first.control.length).toBeLessThanOrEqual(protocol.controlPageMax);
    expect(first.next).toBe(first.control.length + 1);
    expect(first.head).toMatchObject({ number: 219, hash: stage.state.chain?.hash });
    const state = derive(stage, ada);
    expect(hashState(state, testPrimitives)).toEqual(hashState(stage.state.chain!, testPrimitives));
    stage.crash();
    expect(derive(stage, ada).number).toBe(219);
  });

  it('still proves entries of before a new identity', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.join(ada, ben);
    const again = makeActor('@ben:lux.example', 2);
    stage.moved(again);
    stage.mustAccept(
      stage.control(
        ada,
        { kind: K.CONTROL_KIND_IDENTITY, target: 2, person: again.commitment },
        { person: again.person(2) },
      ),
    );
    stage.mustAccept(stage.control(again, { kind: K.CONTROL_KIND_LEAVE, target: 2 }));
    for (const passivate of [false, true]) {
      if (passivate) {
        for (const user of [ada, ben]) stage.kept(user, 9);
        stage.passivate();
      }
      expect(derive(stage, ada).number).toBe(5);
    }
  });

  it('starts from a checkpoint, with its state in pieces and the persons of its members', () => {
    const stage = Stage.group(ada, testPrimitives, { limits: { stateChunkBytes: 200 } });
    for (let i = 2; i <= 9; i++) stage.join(ada, makeActor(`@user${i}:lux.example`));
    expect(snapshot(stage, ada, { stateOffset: 1 })).toMatchObject({ checkpointNumber: 0, control: { length: 17 } });
    const stateHash = hashState(stage.state.chain!, testPrimitives);
    stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_CHECKPOINT, stateHash }));
    stage.join(ada, ben);
    const roll = new Roll(testPrimitives);
    const pieces: Uint8Array[] = [];
    let size = 1;
    for (let offset = 0; offset < size; ) {
      const page = snapshot(stage, ada, { stateOffset: offset + 1 });
      for (const person of page.persons) roll.addPerson(person);
      for (const credential of page.credentials) roll.addCredential(credential);
      pieces.push(page.checkpointState);
      // Seed 1635 of the simulator with two nodes: the persons were spread by the members of now, so that one fell between two pieces.
      if (pieces.length <= 2) stage.join(ada, makeActor(`@late${pieces.length}:lux.example`));
      size = page.checkpointStateSize;
      offset += page.checkpointState.length;
      expect(page.control.length > 0).toBe(offset === size);
    }
    expect(pieces.length).toBeGreaterThan(2);
    const number = stage.state.checkpoint!.number;
    const state = derive(stage, ada, { state: concatBytes(...pieces), number, roll });
    expect(state.hash).toEqual(stage.state.chain?.hash);
    for (const member of state.members) expect(roll.person(member.person)?.member).toBe(member.number);
    expect(codeOf(ask(stage, ada, { stateOffset: 1, fromControl: 1 }))).toBe(Rejection.REJECTION_BAD_REQUEST);
  });

  it('loses what a checkpoint stands in for, over 4,096 entries, and who asks for it gets the checkpoint', () => {
    const stage = Stage.group(ada, testPrimitives, { limits: { controlEntriesKept: 4 } });
    expect(defaultRoomLimits.controlEntriesKept).toBe(4_096);
    stage.join(ada, ben);
    stage.invite(ada, cid);
    const checkpoint = () => {
      const stateHash = hashState(stage.state.chain!, testPrimitives);
      stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_CHECKPOINT, stateHash }));
    };
    const numbers = () => [...stage.state.control].map(({ body }) => body.number);
    const rows = () => [...stage.log.state].flatMap(([key, { value }]) => (value === null ? [] : [key]));
    // Nothing stands in for an entry without a checkpoint, however many there are.
    expect(numbers()).toEqual([1, 2, 3, 4]);
    checkpoint();
    expect(numbers()).toEqual([2, 3, 4, 5]);
    stage.seal();
    stage.mustAccept(stage.control(cid, { kind: K.CONTROL_KIND_ACCEPT, target: 3 }));
    for (let n = 0; n < 5; n++)
      stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_POLICY, policy, target: 0 }));
    // Not the checkpoint itself, nor what came after it.
    expect(numbers()).toEqual([5, 6, 7, 8, 9, 10, 11]);
    stage.seal();
    for (const reopened of [false, true]) {
      if (reopened) stage.crash();
      const page = snapshot(stage, ben, { fromControl: 2 });
      expect(page).toMatchObject({ checkpointNumber: 5, checkpointStateSize: page.checkpointState.length, next: 0 });
      expect(page.control).toHaveLength(7);
      const roll = new Roll(testPrimitives);
      for (const person of page.persons) roll.addPerson(person);
      for (const credential of page.credentials) roll.addCredential(credential);
      const { hash } = derive(stage, ben, { state: page.checkpointState, number: page.checkpointNumber, roll });
      expect(hash).toEqual(stage.state.chain?.hash);
      expect(numbers()).toEqual([5, 6, 7, 8, 9, 10, 11]);
      expect(rows().filter((key) => key.startsWith('control/'))).toHaveLength(7);
    }
  });

  it('is for those who are in or invited, and for the pair of a 1:1 room', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.invite(ada, ben);
    expect(snapshot(stage, ben, { fromControl: 1 }).control).toHaveLength(2);
    expect(codeOf(ask(stage, cid, { fromControl: 1 }))).toBe(Rejection.REJECTION_NOT_FOUND);
    stage.mustAccept(stage.control(ben, { kind: K.CONTROL_KIND_DECLINE, target: 2 }));
    expect(codeOf(ask(stage, ben, { fromControl: 1 }))).toBe(Rejection.REJECTION_NOT_MEMBER);
    const pair = Stage.direct(ada, ben, testPrimitives);
    pair.start(ada, ben);
    expect(snapshot(pair, ben, { fromControl: 1 }).control).toHaveLength(1);
    expect(codeOf(ask(pair, cid, { fromControl: 1 }))).toBe(Rejection.REJECTION_NOT_FOUND);
  });

  it('shows nothing that is not covered', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.covers = false;
    stage.invite(ada, ben);
    expect(snapshot(stage, ada, { fromControl: 1 })).toMatchObject({ control: { length: 1 }, persons: { length: 1 } });
    expect(codeOf(ask(stage, ben, { fromControl: 1 }))).toBe(Rejection.REJECTION_NOT_FOUND);
  });
});

describe('slots', () => {
  it('come in pages, after the chain, to members alone', { timeout: 60_000 }, () => {
    const stage = Stage.group(ada, testPrimitives);
    const users = Array.from({ length: 20 }, (_, i) => makeActor(`@user${i}:lux.example`));
    for (const user of users) {
      const member = stage.join(ada, user);
      const write = slotWrite(`receipt/${member}`, 1, 'x'.repeat(4_000));
      stage.tell({ kind: 'putReceipt', from: stage.from(user), write });
    }
    stage.slot(ada, 'name', 1);
    const found: number[] = [];
    let after = '';
    do {
      const page = snapshot(stage, ada, { slots: true, afterSlot: after });
      found.push(...page.slots.map(({ member }) => member));
      after = page.nextSlot;
    } while (after !== '');
    expect(found).toHaveLength(21);
    expect(new Set(found).size).toBe(21);
    stage.invite(ada, cid, Role.ROLE_MEMBER);
    expect(snapshot(stage, cid, { slots: true }).slots).toEqual([]);
  });
});
