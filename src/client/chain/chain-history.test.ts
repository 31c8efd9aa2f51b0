import { describe, expect, it } from 'vitest';
import { ControlKind, MemberStatus } from '#proto/gen/record.ts';
import { makeActor } from '#proto/golden/cast.ts';
import { Story } from '#proto/golden/story.ts';
import { openStay } from '#proto/rules/record/reading.ts';
import { ChainHistory } from './chain-history.ts';

const [ada, bob, cid] = [makeActor('@ada:localhost'), makeActor('@bob:localhost'), makeActor('@cid:localhost')];

/** Ada's group, Bob joined with entry 3; entries 4 and 5 were not told; with 6 it goes on, when Cid was in. */
function skipped() {
  const story = Story.group(ada);
  const history = new ChainHistory();
  history.add(10, story.state!);
  story.invite(1, bob);
  history.add(20, story.state!);
  story.do(2, { kind: ControlKind.CONTROL_KIND_ACCEPT, target: 2 });
  history.add(30, story.state!);
  story.join(1, cid);
  const before = story.state!;
  const state = {
    ...before,
    number: 6,
    members: before.members.put({ ...before.members.get(3)!, stays: openStay([], 50, { fromStart: false }) }),
  };
  history.skipTo(60, state);
  return { history, state };
}

describe('a chain that went on behind a CHECKPOINT', () => {
  it('says nothing of places and numbers between, and all of the others', () => {
    const { history } = skipped();
    expect([0, 9, 10, 29, 30, 31, 45, 59, 60, 99].map((seq) => history.stateAt(seq)?.number ?? null)).toEqual([
      null,
      null,
      1,
      2,
      3,
      null,
      null,
      null,
      6,
      6,
    ]);
    expect([30, 31, 59, 60].map((seq) => history.isUntold(seq))).toEqual([false, true, true, false]);
    expect([1, 3, 4, 5, 6, 7].map((number) => history.isSkipped(number))).toEqual([
      false,
      false,
      true,
      true,
      false,
      false,
    ]);
    expect([history.start, history.seq, history.standsAt(60), history.standsAt(45)]).toEqual([6, 60, true, false]);
  });

  it('has who was joined all the time since an entry from there on only', () => {
    const { history } = skipped();
    expect([3, 5, 6, 7].map((number) => history.joinedSince(2, number))).toEqual([false, false, true, false]);
    expect([2, 3, 4].map((member) => history.wasInBefore(member))).toEqual([true, false, false]);
  });

  it('has when somebody joined by their stay, unless that goes back to the first record', () => {
    const { history, state } = skipped();
    expect([1, 2, 3].map((member) => history.joinedAt(member))).toEqual([10, 30, 50]);
    const begun = new ChainHistory();
    const fromStart = { ...state.members.get(3)!, stays: openStay([], 50, { fromStart: true }) };
    begun.skipTo(60, { ...state, members: state.members.put(fromStart) });
    expect([begun.joinedAt(3), begun.stateAt(59), begun.isUntold(1)]).toEqual([0, null, true]);
    const left = { ...state.members.get(3)!, status: MemberStatus.MEMBER_STATUS_LEFT };
    begun.add(70, { ...state, number: 7, members: state.members.put(left) });
    begun.add(80, { ...state, number: 8 });
    expect(begun.joinedAt(3)).toBe(80);
  });
});
