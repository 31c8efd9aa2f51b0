// Rooms as large as they may become: no row over what a log takes, one change is one small write, and opening takes many short turns.
import { describe, expect, it } from 'vitest';
import { ServerFrame } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { concatBytes, equalBytes } from '#proto/rules/bytes/bytes.ts';
import { chunkSize, type Member, MemberTable } from '#proto/rules/control/member-table.ts';
import { type ControlState, encodeState, hashState } from '#proto/rules/control/state.ts';
import { limits } from '#proto/rules/limits.ts';
import type { StateChange } from '../../log/messages.ts';
import { changeBytesMax } from '../../ports/state-store.ts';
import { defaultRoomLimits } from '../limits.ts';
import { SendIds } from '../state/send-ids.ts';
import { crowd } from '../testing/crowd.ts';
import { codeOf, Stage } from '../testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const K = ControlKind;

/** A room whose numbers were all given, each to someone who came and went as often as is kept. Ada owns it. */
function fullRoom(staysKept: number): Stage {
  const stage = Stage.group(ada, testPrimitives);
  const { state } = stage;
  const chain = state.chain!;
  const owner = chain.members.get(1)!;
  const stays = Array.from({ length: staysKept }, (_, n) => ({ from: 1e9 + 2 * n, through: 1e9 + 2 * n + 1 }));
  const chunks: Member[][] = [];
  for (let number = 1; number <= limits.memberNumberMax; number++) {
    const { person } = owner;
    const gone = { role: Role.ROLE_MEMBER, status: MemberStatus.MEMBER_STATUS_LEFT, stays, invitedBy: 1, changed: 1 };
    if ((number - 1) % chunkSize === 0) chunks.push([]);
    chunks.at(-1)!.push(number === 1 ? owner : { number, person, ...gone });
  }
  const full: ControlState = { ...chain, members: MemberTable.of(chunks)! };
  state.chain = full;
  state.chainAhead = full;
  for (const index of chunks.keys()) state.dirty.add(`chain/${index}`);
  return stage;
}

describe('a room all of whose numbers were given', () => {
  it('is saved, sealed and opened again, and one change writes one piece', { timeout: 60_000 }, () => {
    const stage = fullRoom(limits.staysMax);
    const keys = stage.seal();
    expect(keys.filter((key) => key.startsWith('chain/'))).toHaveLength(1 + 1_024);
    const before = encodeState(stage.state.chain!);
    expect(before.length).toBeGreaterThan(16 * 1_024 * 1_024);
    stage.crash();
    stage.fetch(ada);
    expect(equalBytes(encodeState(stage.state.chain!), before)).toBe(true);
    const { counted, joined, owners } = stage.state.chain!;
    expect([counted, joined, owners]).toEqual([1, 1, 1]);
    stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_BAN, target: 40_000 }));
    const changed = ['chain/head', `chain/${Math.floor(39_999 / 64)}`, 'control/0000000002', 'budget', 'standings'];
    expect(stage.seal().sort()).toEqual([...changed, 'head', 'sent/1/1'].sort());
  });

  it('writes a checkpoint in pieces, and the next one only where something changed, also after a restart', {
    timeout: 60_000,
  }, () => {
    const stage = fullRoom(1);
    const checkpoint = () => {
      const stateHash = hashState(stage.state.chain!, testPrimitives);
      stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_CHECKPOINT, stateHash }));
      return stage.seal().filter((key) => key.startsWith('checkpoint/'));
    };
    expect(checkpoint()).toHaveLength(1 + 1_024);
    stage.crash();
    stage.fetch(ada);
    stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_BAN, target: 65 }));
    expect(checkpoint()).toEqual(['checkpoint/head', 'checkpoint/1']);
    const { number, state } = stage.state.checkpoint!;
    const before = encodeState(state);
    stage.crash();
    stage.fetch(ada);
    expect(stage.state.checkpoint?.number).toBe(number);
    expect(equalBytes(encodeState(stage.state.checkpoint!.state), before)).toBe(true);
  });
});

describe('a room of 10,000 members', () => {
  it('lives: it is spoken in, saved, opened again in many turns, read, and reached through', {
    timeout: 60_000,
  }, () => {
    const stage = Stage.group(ada, testPrimitives);
    crowd(stage, limits.membersMax, { membersMax: limits.membersMax });
    stage.seal();
    const spoken = stage.say(ada);
    expect(spoken.effects.map(({ kind }) => kind)).toEqual(['log', 'answer', 'deliver']);
    const before = hashState(stage.state.chain!, testPrimitives);
    stage.seal();
    stage.crash();
    stage.fetch(ada);
    expect(stage.turns).toBeGreaterThan(39);
    expect(hashState(stage.state.chain!, testPrimitives)).toEqual(before);
    const users = [2, 5_000, 10_000].map((number) => stage.state.people.userOf(number)!);
    const authorise = { replyTo: 'u' as never, token: 1, user: ada.user, users: [...users, '@x:lux.example'] };
    const [reached] = stage.tell({ kind: 'authorise', ...authorise }).effects;
    expect(reached).toMatchObject({ message: { allowed: users, invited: [] } });
    stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_CHECKPOINT, stateHash: before }));
    expect(readState(stage)).toEqual(encodeState(stage.state.checkpoint!.state));
    stage.mustAccept(stage.control(ada, { kind: K.CONTROL_KIND_REMOVE, target: 9_999 }));
    expect(stage.state.chain!.joined).toBe(9_999);
    expect(stage.seal().filter((key) => key.startsWith('chain/'))).toEqual(['chain/head', 'chain/156']);
  });
});

describe('a room of many devices', () => {
  // Its story: what a segment of 10,000 messages changed was written at once: 36 MB of send ids where each came from another device.
  it('never writes more at once than a store takes, and is busy rather than that', { timeout: 60_000 }, () => {
    const stage = Stage.group(ada, testPrimitives);
    const { state, log } = stage;
    const headerHash = new Uint8Array(16).fill(1);
    const ids = Array.from({ length: limits.sendIdsKept }, (_, n) => ({ sendId: n + 1, seq: 0, headerHash }));
    /** The next device speaks, of which as many send ids as are kept are known. */
    let device = 1;
    const say = () => {
      device++;
      state.sent.set(`1/${device}`, new SendIds(ids.map((id) => ({ ...id, seq: state.ahead.seq }))));
      return codeOf(stage.say(ada, 'x', { device, sendId: 1_000 }).answers[0]?.body);
    };
    const { unsavedRowsMax, uncoveredRecordsMax } = defaultRoomLimits;
    for (let round = 0; round < 3; round++) {
      log.holds = true;
      while (state.saving + state.dirty.size < unsavedRowsMax - 1) expect(say()).toBe('accepted');
      // As much is under way as may be, and is covered before anybody hears that what was before it is saved.
      stage.covers = false;
      for (let n = 0; n < uncoveredRecordsMax; n++) expect(say()).toBe(undefined);
      stage.cover();
      stage.covers = true;
      expect(say()).toBe(Rejection.REJECTION_BUSY);
      log.release();
      stage.cover();
    }
    stage.seal();
    const sizes = log.commands.map((command) => ('changes' in command ? bytesOf(command.changes) : 0));
    expect(Math.max(...sizes)).toBeGreaterThan(uncoveredRecordsMax * 3_000);
    // A checkpoint of 10,000 members may come on top.
    expect(Math.max(...sizes)).toBeLessThan(changeBytesMax / 2);
    stage.crash();
    stage.fetch(ada);
    expect(codeOf(stage.say(ada, 'x').answers[0]?.body)).toBe('accepted');
  });
});

function bytesOf(changes: readonly StateChange[]): number {
  return changes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
}

/** The checkpoint's state as a device reads it: in frames, with the person of every member. */
function readState(stage: Stage): Uint8Array {
  const pieces: Uint8Array[] = [];
  const persons = new Set<number>();
  for (let [offset, size] = [0, 1]; offset < size; ) {
    const read = { room: stage.room, fromControl: 0, slots: false, stateOffset: offset + 1, afterSlot: '' };
    const body = stage.tell({ kind: 'readRoom', from: stage.from(ada), read }).answers[0]?.body;
    if (body?.$case !== 'roomSnapshot') throw new Error('no snapshot');
    expect(ServerFrame.encode({ request: 1, body }).finish().length).toBeLessThanOrEqual(limits.frameBytesMax);
    pieces.push(body.value.checkpointState);
    for (const { member } of body.value.persons) persons.add(member);
    size = body.value.checkpointStateSize;
    offset += body.value.checkpointState.length;
  }
  expect(persons.size).toBe(stage.state.chain!.members.size);
  return concatBytes(...pieces);
}
