// Whatever happened in a room: what a new actor finds in state rows and log is what the old one had covered, no more and no less.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServerFrame, type Submit } from '#proto/gen/client.ts';
import { ControlKind, MemberStatus, Role, Slot } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { toHex } from '#proto/rules/bytes/base.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { encodeState } from '#proto/rules/control/state.ts';
import type { RoomLimits } from '../limits.ts';
import { codeOf, Stage, slotWrite } from '../testing/stage.ts';

const users = ['ada', 'ben', 'cid', 'dan'].map((name) => makeActor(`@${name}:lux.example`));
const ada = users[0]!;
type Op = { readonly kind: string; readonly who: number; readonly n: number };

const op: fc.Arbitrary<Op> = fc.record({
  kind: fc.constantFrom(
    'say',
    'say',
    'say',
    'repeat',
    'slot',
    'receipt',
    'invite',
    'accept',
    'leave',
    'remove',
    'empty',
    'moved',
    'kept',
    'hold',
    'cover',
    'seal',
    'seal',
    'passivate',
    'lose',
    'keep',
  ),
  who: fc.nat(3),
  n: fc.nat(20),
});

/** Everything covered, as comparable text. */
function viewOf(stage: Stage): object {
  const { state } = stage;
  const isCovered = ({ seq }: { readonly seq: number }) => seq <= state.head.seq;
  const numbers = users.map(({ user }) => state.member(user)?.number ?? 0);
  return {
    head: state.head,
    chain: state.chain && toHex(encodeState(state.chain)),
    control: [...state.control].map(({ seq, entry }) => [seq, toHex(entry.signed)]),
    slots: [...state.slots].map(([name, slot]) => [name, toHex(Slot.encode(slot).finish())]).sort(),
    sent: [...state.sent]
      .map(([key, ids]) => [key, ids.through(state.head.seq)] as const)
      .filter(([, ids]) => ids.length > 0)
      .sort(),
    persons: numbers.map((number) =>
      state.people
        .personsOf(number)
        .filter(isCovered)
        .map(({ commitment }) => toHex(commitment)),
    ),
    credentials: numbers.map((number) =>
      state.people
        .credentials(number, 1)
        .filter(isCovered)
        .map(({ seq }) => seq),
    ),
    identities: [...state.identities].sort(),
    emptyings: [...state.emptyings],
    owed: [...state.standings.toRow()].sort((a, b) => a.member - b.member),
  };
}

function pageOf(stage: Stage): unknown {
  const body = stage.fetch(ada, { limit: 200 }).answers[0]?.body;
  return toHex(ServerFrame.encode({ request: 0, body }).finish());
}

/** A stage that plays any list of operations; those that make no sense at the moment are refused by the room. */
class Play {
  readonly stage: Stage;
  readonly sent: { user: number; submit: Submit; seq: number }[] = [];

  constructor(limits: Partial<RoomLimits>) {
    this.stage = Stage.group(ada, testPrimitives, { limits: { ringRecordsMax: 8, ...limits } });
  }

  play({ kind, who, n }: Op): void {
    const { stage } = this;
    const user = users[who]!;
    switch (kind) {
      case 'say':
        return this.say(who);
      case 'repeat':
        return this.repeat(n);
      case 'slot':
        return void stage.slot(user, 'name', n + 1);
      case 'receipt': {
        stage.now += 6_000;
        const write = slotWrite(`receipt/${stage.memberOf(user)}`, n + 1);
        return void stage.tell({ kind: 'putReceipt', from: stage.from(user), write });
      }
      case 'invite': {
        const known = stage.memberOf(user);
        const target = known || (stage.state.chainAhead?.members.size ?? 0) + 1;
        const person = known ? undefined : user.commitment;
        const wish = {
          kind: ControlKind.CONTROL_KIND_INVITE,
          target,
          role: Role.ROLE_MEMBER,
          person: person ?? noBytes,
        };
        return void stage.control(ada, wish, person ? { person: user.person(target) } : {});
      }
      case 'accept':
        return void stage.control(user, { kind: ControlKind.CONTROL_KIND_ACCEPT, target: stage.memberOf(user) });
      case 'leave':
        if (who === 0) return;
        return void stage.control(user, { kind: ControlKind.CONTROL_KIND_LEAVE, target: stage.memberOf(user) });
      case 'remove':
        return void stage.control(ada, { kind: ControlKind.CONTROL_KIND_REMOVE, target: stage.memberOf(user) });
      case 'empty':
        return void stage.empty(user, [n + 1]);
      case 'moved': {
        const fingerprint = makeActor(user.user, n % 2 === 0 ? 1 : 2).master.publicKey;
        const head = { version: 1, hash: fingerprint };
        if (who === 0) return;
        return void stage.tell({ kind: 'identityMoved', user: user.user, fingerprint, head });
      }
      case 'kept':
        return this.keptAll();
      case 'hold':
        stage.covers = false;
        return;
      case 'cover':
        stage.cover(stage.state.head.seq + n);
        stage.covers = stage.state.head.seq === stage.state.ahead.seq;
        return;
      case 'seal':
        return void stage.seal();
      case 'passivate':
        return this.reopen(() => {
          stage.cover();
          this.keptAll();
          stage.passivate();
        });
      case 'lose':
        return this.reopen(() => stage.crash(false));
      default:
        stage.cover();
        return this.reopen(() => stage.crash(true));
    }
  }

  say(who: number): void {
    const { stage } = this;
    const user = users[who]!;
    const submit = stage.event(user, new Uint8Array([who]));
    const before = stage.state.ahead.seq;
    stage.send(user, submit);
    if (stage.state.ahead.seq > before) this.sent.push({ user: who, submit, seq: before + 1 });
  }

  repeat(n: number): void {
    const { stage } = this;
    const past = this.sent[n % Math.max(1, this.sent.length)];
    if (past === undefined || past.seq > stage.state.head.seq) return;
    const answer = stage.send(users[past.user]!, past.submit).answers[0]?.body;
    if (stage.state.head.seq >= past.seq) expect(answer).toMatchObject({ $case: 'accepted', value: { seq: past.seq } });
  }

  keptAll(): void {
    const { stage } = this;
    for (const user of users) stage.kept(user, 1e6);
  }

  /** What is lost with the actor is forgotten here too; the rest must be there again. */
  reopen(how: () => void): void {
    const { stage } = this;
    const before = viewOf(stage);
    const page = pageOf(stage);
    const wasKept = stage.state.standings.size === 0;
    how();
    if (stage.log.rows.length > (before as { head: { seq: number } }).head.seq) throw new Error('rows appeared');
    this.sent.splice(0, this.sent.length, ...this.sent.filter(({ seq }) => seq <= stage.log.rows.length));
    const after = pageOf(stage);
    expect(after).toEqual(page);
    const { owed, ...rest } = viewOf(stage) as { owed: unknown[] };
    const { owed: owedBefore, ...restBefore } = before as { owed: unknown[] };
    expect(rest).toEqual(restBefore);
    // Told again rather than too little: what was confirmed since the last seal may be owed again.
    if (!wasKept) expect(owed).toEqual(expect.arrayContaining(owedBefore));
  }
}

describe('a room that is opened again', () => {
  it.each([
    ['when the log asks', {}],
    ['all the time, too', { saveAtRows: 1 }],
  ])('is the room that was covered, whatever was done, saved %s', { timeout: 120_000 }, (_, limits) => {
    fc.assert(
      fc.property(fc.array(op, { minLength: 5, maxLength: 60 }), (ops) => {
        const play = new Play(limits);
        for (const each of ops) {
          // A passivation covers what waits first, so that nothing is lost between the two views.
          if (each.kind === 'passivate') {
            play.stage.cover();
            play.keptAll();
          }
          play.play(each);
          expect(play.stage.state.head.seq).toBeLessThanOrEqual(play.stage.state.ahead.seq);
        }
        play.stage.cover();
        play.stage.covers = true;
        play.play({ kind: 'keep', who: 0, n: 0 });
        const joined = [...(play.stage.state.chain?.members ?? [])].filter(
          ({ status }) => status === MemberStatus.MEMBER_STATUS_JOINED,
        );
        expect(joined.length).toBeGreaterThan(0);
        expect(codeOf(play.stage.say(ada).answers[0]?.body)).toBe('accepted');
      }),
      { numRuns: 150 },
    );
  });
});
