import { describe, expect, it } from 'vitest';
import type { Effect } from '#actors/kernel/effects.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { decodeSummary } from './reading/entry.ts';
import type { Room } from './room.ts';
import { codeOf, type Seen, Stage } from './testing/stage.ts';

const ada = makeActor('@ada:lux.example');
const ben = makeActor('@ben:lux.example');
const cid = makeActor('@cid:lux.example');
const kinds = (seen: Seen) => seen.effects.map(({ kind }) => kind);
const codes = (seen: Seen) => seen.answers.map(({ body }) => codeOf(body));

describe('a room that does not exist', () => {
  it('answers NOT_FOUND to everything but a genesis and leaves no trace', () => {
    const other = Stage.group(ada, testPrimitives);
    const stage = new Stage(`!g${'a'.repeat(32)}:lux.example`, testPrimitives);
    const submit = { ...other.event(ada, new Uint8Array(3), { room: stage.room }), room: stage.room };
    const from = stage.from(ada);
    const requests = [
      { kind: 'submit', from, submit },
      { kind: 'fetch', from, fetch: { room: stage.room, fromSeq: 0, throughSeq: 0, limit: 0, newestFirst: false } },
      { kind: 'readRoom', from, read: { room: '', fromControl: 1, slots: true, stateOffset: 0, afterSlot: '' } },
      { kind: 'putReceipt', from, write: new Uint8Array(0) },
    ] as const;
    for (const request of requests) {
      const seen = stage.tell(request);
      expect(codes(seen)).toEqual([Rejection.REJECTION_NOT_FOUND]);
      expect(kinds(seen).at(-1)).toBe('stop');
    }
    expect(stage.log.rows).toEqual([]);
    expect(stage.log.commands.every(({ kind }) => kind === 'open' || kind === 'confirm')).toBe(true);
  });

  it('shows nothing to those who ask by other ways', () => {
    const stage = new Stage(`!g${'a'.repeat(32)}:lux.example`, testPrimitives);
    const from = stage.from(ada);
    const subscribed = stage.tell({ kind: 'subscribe', from, replyTo: 'session/1' as never, token: 3 });
    expect(subscribed.effects).toContainEqual({
      kind: 'send',
      to: 'session/1',
      message: { kind: 'subscribedPart', token: 3, room: stage.room, entry: null },
    });
    expect(subscribed.effects.filter(({ kind }) => kind === 'join')).toEqual([]);
    const summarised = stage.tell({ kind: 'summarise', token: 4, user: ada.user });
    expect(summarised.effects).toContainEqual({ kind: 'summarised', user: ada.user, token: 4, summary: null });
    const asked = { replyTo: 'user/x' as never, token: 5, user: ada.user, users: [ben.user] };
    expect(stage.tell({ kind: 'authorise', ...asked }).effects).toContainEqual(
      expect.objectContaining({ kind: 'send', message: { kind: 'authorised', token: 5, allowed: [], invited: [] } }),
    );
  });
});

describe('a room that is opened again', () => {
  it('puts those out whose end was under way when the last actor ended, before anyone hears anything', () => {
    // Found by the simulator: the log failed while a leave was under way; its row was there, but the leaver's sessions went on hearing the room.
    const stage = Stage.group(ada, testPrimitives);
    stage.join(ada, ben);
    stage.covers = false;
    stage.control(ada, { kind: ControlKind.CONTROL_KIND_REMOVE, target: 2 });
    stage.crash(true);
    const { effects } = stage.fetch(ada);
    const evicted = effects.findIndex(({ kind }) => kind === 'evict');
    expect(effects[evicted]).toEqual({ kind: 'evict', user: ben.user, room: stage.room });
    expect(effects.findIndex(({ kind }) => kind === 'deliver')).toBeGreaterThan(evicted);
  });
});

describe('a room that is opened again, and a member who left and came back', () => {
  it('leaves sessions live', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.join(ada, ben);
    stage.mustAccept(stage.control(ada, { kind: ControlKind.CONTROL_KIND_REMOVE, target: 2 }));
    stage.mustAccept(stage.control(ada, { kind: ControlKind.CONTROL_KIND_INVITE, target: 2, role: Role.ROLE_MEMBER }));
    stage.mustAccept(stage.control(ben, { kind: ControlKind.CONTROL_KIND_ACCEPT, target: 2 }));
    stage.crash(true);
    expect(stage.fetch(ada).effects.filter(({ kind }) => kind === 'evict')).toEqual([]);
  });
});

describe('a first walk', () => {
  it('creates, invites, accepts, posts, fetches and subscribes', () => {
    const stage = Stage.group(ada, testPrimitives);
    expect(stage.state.chain?.number).toBe(1);
    expect(stage.join(ada, ben)).toBe(2);
    const said = stage.say(ben, 'hello');
    expect(said.answers[0]?.body).toMatchObject({ $case: 'accepted', value: { seq: 4, control: { number: 3 } } });
    expect(said.pushed[0]?.body).toMatchObject({ $case: 'roomRecords', value: { room: stage.room } });
    const page = stage.fetch(ben).answers[0]?.body;
    expect(page).toMatchObject({ $case: 'recordPage', value: { headSeq: 4, readableFrom: 3, nextSeq: 0 } });
    const token = { replyTo: 'session/9' as never, token: 1 };
    const subscribed = stage.tell({ kind: 'subscribe', from: stage.from(ben), ...token });
    expect(kinds(subscribed)).toEqual(['join', 'send']);
    expect(subscribed.effects[1]).toMatchObject({
      message: { entry: { headSeq: 4, headCount: 1, member: 2, status: MemberStatus.MEMBER_STATUS_JOINED } },
    });
  });

  it('makes an invited user live in nothing and shows them nothing: their list says who invites', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.invite(ada, ben);
    stage.slot(ada, 'name', 1);
    const subscribed = stage.tell({ kind: 'subscribe', from: stage.from(ben), replyTo: 's' as never, token: 1 });
    expect(kinds(subscribed)).toEqual(['send']);
    expect(subscribed.effects[0]).toMatchObject({ message: { kind: 'subscribedPart', entry: null } });
    expect(codes(stage.fetch(ben))).toEqual([Rejection.REJECTION_NOT_MEMBER]);
    expect(codes(stage.fetch(cid))).toEqual([Rejection.REJECTION_NOT_FOUND]);
  });
});

describe('a life', () => {
  it('holds requests while it opens, and answers BUSY to one more than it may hold', () => {
    const first = Stage.group(ada, testPrimitives, { limits: { heldMessagesMax: 2 } });
    first.crash();
    const stage = first;
    const submit = (text: number) => ({
      kind: 'submit' as const,
      from: stage.from(ada),
      submit: stage.event(ada, new Uint8Array(text), { member: 1 }),
    });
    const room = stage.actor;
    expect(room.receive(submit(1), 0).map(({ kind }) => kind)).toEqual(['log']);
    expect(room.receive(submit(2), 0)).toEqual([]);
    expect(room.receive(submit(3), 0)).toMatchObject([
      { kind: 'answer', body: { value: { code: Rejection.REJECTION_BUSY } } },
    ]);
  });

  it('puts a large room into memory in several turns, and handles what came meanwhile afterwards', () => {
    const limits = { loadUnitsMax: 4 };
    const stage = Stage.group(ada, testPrimitives, { limits });
    stage.join(ada, ben);
    stage.seal();
    for (let n = 0; n < 10; n++) stage.say(ada);
    const fetch = { room: stage.room, fromSeq: 0, throughSeq: 0, limit: 1, newestFirst: true };
    const message = { kind: 'fetch', from: stage.from(ada), fetch } as const;
    const open = () => {
      stage.crash();
      const room = stage.actor;
      stage.log.command({ kind: 'open', create: false });
      room.receive(message, 0);
      const effects = room.receive({ kind: 'log', answer: stage.log.answers.shift()! }, 0);
      expect(effects).toEqual([{ kind: 'startTimer', name: 'load', delayMs: 0 }]);
      expect(room.idle()).toBe(false);
      return room;
    };
    const turns = (room: Room, turn: (effects: readonly Effect[]) => void) => {
      for (let left = 100; left > 0; left--) {
        const effects = room.receive({ kind: 'timer', name: 'load' }, 0);
        if (effects[0]?.kind !== 'startTimer' || effects[0].name !== 'load') return turn(effects);
      }
      throw new Error('it never lives');
    };
    turns(open(), (effects) => {
      expect(effects.map(({ kind }) => kind)).toEqual(['deliver', 'send', 'send', 'startTimer', 'watch', 'answer']);
    });
    const sealed = open();
    expect(sealed.receive({ kind: 'log', answer: { kind: 'sealing' } }, 0)).toEqual([]);
    turns(sealed, (effects) => expect(effects).toContainEqual(expect.objectContaining({ kind: 'log' })));
    const failed = open();
    const answer = { kind: 'failed', code: 'FENCED' } as const;
    expect(failed.receive({ kind: 'log', answer }, 0).at(-1)).toEqual({ kind: 'stop' });
    expect(failed.receive({ kind: 'timer', name: 'load' }, 0)).toEqual([]);
  });

  it('ends when the log is lost, and the next message finds what was covered', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.log.fail();
    expect(kinds(stage.cover()).at(-1)).toBe('stop');
    stage.log.reopen();
    expect(codes(stage.fetch(ada))).toEqual(['recordPage']);
  });

  it('passivates with everything saved and opens again without any row', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.join(ada, ben);
    stage.say(ada);
    stage.slot(ada, 'name', 1);
    for (const user of [ada, ben]) {
      stage.kept(user, 3);
    }
    expect(stage.actor.idle()).toBe(true);
    expect(kinds(stage.passivate()).at(-1)).toBe('stop');
    expect(stage.log.state.has('summary')).toBe(true);
    const page = stage.fetch(ada);
    const opened = stage.log.commands.filter(({ kind }) => kind === 'open').length;
    expect(opened).toBe(2);
    expect(page.answers[0]?.body).toMatchObject({ value: { headSeq: 5 } });
    expect(stage.state.slots.size).toBe(1);
    expect(stage.state.control.size).toBe(3);
  });

  it('leaves a summary of its head also when all else was saved before', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.kept(ada, 1);
    for (const seal of [false, true, false]) {
      if (seal) {
        stage.say(ada);
        stage.log.seal();
        stage.cover();
      }
      stage.passivate();
      const summary = decodeSummary(stage.room, stage.log.state.get('summary')!.value!);
      expect(summary?.entry.headSeq).toBe(stage.log.rows.length);
      stage.fetch(ada);
    }
    const saved = stage.log.commands.length;
    stage.passivate();
    expect(stage.log.commands.slice(saved)).toMatchObject([{ kind: 'close', changes: [] }]);
  });

  it('tells live sessions to look after it came back with rows that were under way', () => {
    const stage = Stage.group(ada, testPrimitives);
    stage.covers = false;
    stage.say(ada);
    stage.crash(true);
    const seen = stage.fetch(ada);
    expect(seen.pushed[0]?.body).toMatchObject({ $case: 'headMoved', value: { headSeq: 2, headCount: 1 } });
  });
});

describe('standings', () => {
  it('are told to the user concerned, again until kept, and after a crash', () => {
    const stage = Stage.group(ada, testPrimitives);
    const invited = stage.control(
      ada,
      { kind: ControlKind.CONTROL_KIND_INVITE, target: 2, role: 1, person: ben.commitment },
      { person: ben.person(2) },
    );
    const told = invited.effects.filter((effect) => effect.kind === 'send' && effect.message.kind === 'standing');
    expect(told).toMatchObject([
      {
        to: `user/${ben.user}`,
        message: { standing: { controlNumber: 2, byUser: ada.user, member: 2, direct: false } },
      },
    ]);
    expect(kinds(stage.tell({ kind: 'timer', name: 'standings' }))).toEqual(['send', 'send', 'startTimer']);
    stage.kept(ada, 1);
    expect(stage.kept(ben, 1).effects).toEqual([]);
    expect(stage.actor.idle()).toBe(false);
    stage.crash();
    const again = stage.fetch(ada).effects.filter((effect) => effect.kind === 'send');
    expect(again.map(({ to }) => to)).toEqual([`user/${ada.user}`, `user/${ben.user}`]);
    stage.kept(ada, 1);
    expect(stage.kept(ben, 2).effects).toEqual([{ kind: 'cancelTimer', name: 'standings' }]);
    expect(stage.actor.idle()).toBe(true);
    stage.passivate();
    expect(stage.fetch(ada).effects.filter(({ kind }) => kind === 'send')).toEqual([]);
  });

  // Whoever invited one person into many rooms held all of them in memory, once that person's actor took only one a minute.
  it('that nobody keeps let the room sleep once the waits are longest, and are told when it wakes', () => {
    const stage = Stage.group(ada, testPrimitives);
    const waits: number[] = [];
    while (!stage.actor.idle()) {
      const timer = stage.tell({ kind: 'timer', name: 'standings' }).effects.find(({ kind }) => kind === 'startTimer');
      waits.push((timer as { delayMs: number }).delayMs);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000]);
    stage.passivate();
    const again = stage.fetch(ada).effects.filter((effect) => effect.kind === 'send');
    expect(again.map(({ to }) => to)).toEqual([`user/${ada.user}`]);
  });

  it('are remembered at every last word, until nothing is left to do', () => {
    const stage = Stage.group(ada, testPrimitives);
    const lastWords = () => stage.log.commands.flatMap((each) => ('restless' in each ? [each.restless] : []));
    while (!stage.actor.idle()) stage.tell({ kind: 'timer', name: 'standings' });
    stage.seal();
    stage.passivate();
    expect(lastWords()).toEqual([true, true, true]);
    stage.fetch(ada);
    stage.kept(ada, 1);
    stage.seal();
    stage.passivate();
    expect(lastWords().slice(3)).toEqual([false, false]);
  });
});
