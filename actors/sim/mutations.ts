// Mistakes planted on purpose, each of a kind that someone could really make. They are wrapped around the real actors, logs and store answers: no
// production code knows of them. A simulator that does not find them finds nothing.
import { defaultHeldLimits, Held, type Waiting } from '#actors/cluster/held.ts';
import type { KeeperPorts } from '#actors/cluster/keeper.ts';
import type { Letter } from '#actors/cluster/packets.ts';
import type { Actor } from '#actors/kernel/actor.ts';
import { sessionAddress } from '#actors/kernel/address.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import type { RoomMessage } from '#actors/kernel/messages.ts';
import type { WorldEffect } from '#actors/kernel/world.ts';
import { coveredKey } from '#actors/log/covered.ts';
import type { LogAnswer, LogCommand } from '#actors/log/messages.ts';
import type { OwnershipSteps } from '#actors/log/ownership.ts';
import { rowsWritten, type StoreReply, type StoreRequest, stateWritten } from '#actors/log/requests.ts';
import type { Generation, ShardOwner } from '#actors/ports/log-store.ts';
import { calm, unsettled } from './faults.ts';
import type { Mutation } from './mutation.ts';
import { forgetfulness } from './mutations-forgetting.ts';
import { every, hearing, saying, type Told, withoutState } from './wrapping.ts';

/** All planted mistakes by what they do; each run needs a fresh one, since some count. */
export const mutations: Readonly<Record<string, () => Mutation>> = {
  'a room acks before its rows are durable': () => ({ room: (actor) => new Hasty(actor) }),
  'a claim is answered before it is durable': () => ({ user: (actor) => new Hasty(actor) }),
  'rows count as written when they are sent': () => ({
    lie: (_, request, reply) => {
      if (request.op === 'writeRows') reply(rowsWritten);
      return request;
    },
  }),
  'a fenced process goes on acking': () => ({ omit: 4 }),
  'the fence is not asked between reading and changing the meta': () => ({ omit: 1 }),
  'rows are acked in the order of their answers': () => ({ omit: 5 }),
  'an opening goes on in a segment of someone else': () => ({ omit: 7 }),
  'an opening does not keep what it saw': () => ({ omit: 10 }),
  'an opening hands out rows beyond the end': () => ({ omit: 11 }),
  'the newest row is forgotten at a takeover, and its seq is used again': () => ({ twist: forgetNewestRow }),
  'marks are dropped now and then': () => ({
    effect: every(3, (effect) => {
      if (effect.kind !== 'deliver' || effect.mark === undefined) return effect;
      const { audience, frame } = effect;
      return { kind: 'deliver', audience, frame };
    }),
  }),
  'a page begins one too late': () => ({
    room: (actor) =>
      hearing(actor, (message) => {
        if (message.kind !== 'fetch' || message.fetch.fromSeq < 2) return message;
        return { ...message, fetch: { ...message.fetch, fromSeq: message.fetch.fromSeq + 1 } };
      }),
  }),
  'send ids are forgotten when a room is opened again': () => ({
    room: (actor) => hearing(actor, (message) => withoutState(message, 'sent/')),
  }),
  'message ids are forgotten when an inbox is opened again': () => ({
    user: (actor) => hearing(actor, (message) => withoutState(message, 'sender/')),
  }),
  'the cursor is moved beyond what was delivered': () => ({
    user: (actor) =>
      saying(actor, (effect) => {
        if (effect.kind !== 'answer' || effect.body.$case !== 'inboxPage') return effect;
        const { value } = effect.body;
        return { ...effect, body: { $case: 'inboxPage', value: { ...value, through: value.head } } };
      }),
  }),
  'an acknowledgement is answered and forgotten': () => ({
    user: (actor) =>
      saying(actor, (effect) => {
        const isSave = effect.kind === 'log' && effect.command.kind === 'save';
        if (!isSave) return effect;
        const changes = effect.command.changes.filter(({ key }) => !key.startsWith('device/'));
        return { kind: 'log', command: { ...effect.command, changes } };
      }),
  }),
  'who was removed still hears the room': () => ({ effect: (effect) => (effect.kind === 'evict' ? null : effect) }),
  'a standing is never repeated': () => ({
    room: (actor) =>
      saying(actor, (effect) => (effect.kind === 'startTimer' && effect.name === 'standings' ? null : effect)),
  }),
  'a room has nobody remember what it left to do': () => ({ effect: (effect) => atRest(effect, () => true) }),
  'what is left to do is forgotten when a segment is sealed': () => ({
    effect: (effect) => atRest(effect, ({ kind }) => kind !== 'append'),
  }),
  'state rows count as saved when they are sent': () => ({
    lie: (_, request, reply) => {
      if (request.op === 'writeState') reply(stateWritten);
      return request;
    },
  }),
  'state is said to be covered before its rows are there': () => ({ lie: coverFirst }),
  'an answer is lost now and then': () => ({
    room: (actor) =>
      saying(
        actor,
        every(25, (effect) => (effect.kind === 'answer' ? null : effect)),
      ),
  }),
  'an actor keeps what it was asked': () => ({
    // The asker hears, by a way that the kernel does not take for an answer.
    room: (actor) =>
      saying(actor, (effect) => {
        if (effect.kind !== 'answer') return effect;
        const { session, request, body } = effect;
        return { kind: 'send', to: sessionAddress(session), message: { kind: 'answer', request, body } };
      }),
  }),
  'a room never rests': () => ({
    room: (actor) => ({ receive: (message, now) => actor.receive(message, now), idle: () => false }),
  }),
  'a session outlives its connection': () => ({
    session: (actor) => ({
      receive: (message, now) => (message.kind === 'closed' ? [] : actor.receive(message, now)),
      idle: () => actor.idle(),
    }),
  }),
  'a session comes live by the word of a process that was fenced': () => ({
    nodes: 2,
    faults: unsettled,
    room: (actor) => new Sure(actor),
  }),
  'a shard is handed over before its actors have stopped': () => ({
    nodes: 3,
    keeper: (ports) => ({ ...ports, release: () => new Set<number>() }),
  }),
  'a shard goes back to work although its hand-over may have happened': () => ({
    nodes: 3,
    faults: { storeSilent: 0.2, storeLate: 0.2, leaves: 0.1 },
    keeper: hopeful,
  }),
  'a shard is taken without fencing its owner': () => ({
    nodes: 3,
    keeper: (ports) => ({ ...ports, walk: (steps, done) => ports.walk(unfenced(steps), done) }),
  }),
  'a shard is taken from whoever has it by now': () => ({
    nodes: 3,
    keeper: (ports, self) => ({ ...ports, walk: (steps, done) => ports.walk(insistent(steps, self), done) }),
  }),
  'a node that leaves an audience is forgotten although it joins again': () => ({
    nodes: 2,
    faults: { ...calm, linkDelayMs: 2, peerDelayMs: 200, linkBreaks: 0.5 },
    packet: (packet) => (packet.kind === 'left' ? { ...packet, joins: Number.MAX_SAFE_INTEGER } : packet),
  }),
  'a session is not told what it hears no more': () => ({
    nodes: 3,
    session: (actor) => ({
      receive: (message, now) => (message.kind === 'unheard' ? [] : actor.receive(message, now)),
      idle: () => actor.idle(),
    }),
  }),
  'letters that were held go on in the wrong order': () => ({
    nodes: 3,
    held: () => new Backwards(defaultHeldLimits),
  }),
  'letters that come back go behind later ones': () => ({ nodes: 3, held: () => new Queueing(defaultHeldLimits) }),
  'an answer from where an actor was before is believed': () => ({ nodes: 3, believesStrays: true }),
  ...forgetfulness,
  'bodies that were taken back stay': () => ({
    room: (actor) =>
      saying(actor, (effect) => {
        if (effect.kind !== 'log' || effect.command.kind !== 'rewrite') return effect;
        return { kind: 'log', command: { ...effect.command, rows: [] } };
      }),
  }),
};

/** A keeper that takes a hand-over of unknown end for one that did not happen. */
function hopeful(ports: KeeperPorts, self: Generation): KeeperPorts {
  let isGiving = false;
  return {
    ...ports,
    release: (shards) => {
      isGiving = true;
      return ports.release(shards);
    },
    readShard: (shard, done) =>
      ports.readShard(shard, (owner) => {
        isGiving = false;
        done(owner);
      }),
    walk: (steps, done) => {
      const isHandOver = isGiving;
      ports.walk(steps, (owner) => done(owner === undefined && isHandOver ? { ...self, version: 0 } : owner));
    },
  };
}

/** Steps of ownership that only say that they fence. */
function* unfenced(steps: OwnershipSteps<ShardOwner | null>): OwnershipSteps<ShardOwner | null> {
  let step = steps.next({ op: 'fence' });
  while (!step.done) step = steps.next(step.value.op === 'fence' ? { op: 'fence' } : yield step.value);
  return step.value;
}

/** Steps that take a shard whoever owns it. */
function* insistent(steps: OwnershipSteps<ShardOwner | null>, self: Generation): OwnershipSteps<ShardOwner | null> {
  let step = steps.next({ op: 'fence' });
  while (!step.done) {
    const request = step.value;
    let reply = yield request;
    if (request.op === 'casShard' && request.owner === self && reply.op === 'casShard' && reply.applied === false) {
      const read = yield { op: 'readShard', shard: request.shard };
      if (read.op === 'readShard') reply = yield { ...request, expected: read.owner };
    }
    step = steps.next(reply);
  }
  return step.value;
}

class Backwards extends Held {
  override take(shard: number): Waiting[] {
    return super.take(shard).reverse();
  }
}

class Queueing extends Held {
  override keep(shard: number, letter: Letter, sinceMs: number): boolean {
    return super.keep(shard, letter, sinceMs);
  }
}

/** Tells its actor that rows are durable as soon as they are appended. */
class Hasty<Message extends Told> implements Actor<Message> {
  readonly #actor: Actor<Message>;

  constructor(actor: Actor<Message>) {
    this.#actor = actor;
  }

  receive(message: Message, now: number): readonly Effect[] {
    if (message.kind === 'log' && message.answer.kind === 'appended') return [];
    return this.#actor.receive(message, now).flatMap((effect) => {
      if (effect.kind !== 'log' || effect.command.kind !== 'append') return [effect];
      const { fromSeq, rows } = effect.command;
      const answer: LogAnswer = { kind: 'appended', throughSeq: fromSeq + rows.length - 1 };
      return [effect, ...this.#actor.receive({ kind: 'log', answer } as Message, now)];
    });
  }

  idle(): boolean {
    return this.#actor.idle();
  }
}

/** Tells its room that it is still the room's as soon as that is asked. */
class Sure implements Actor<RoomMessage> {
  readonly #actor: Actor<RoomMessage>;

  constructor(actor: Actor<RoomMessage>) {
    this.#actor = actor;
  }

  receive(message: RoomMessage, now: number): readonly Effect[] {
    return this.#actor.receive(message, now).flatMap((effect) => {
      if (effect.kind !== 'log' || effect.command.kind !== 'confirm') return [effect];
      const answer: LogAnswer = { kind: 'confirmed', token: effect.command.token };
      return this.receive({ kind: 'log', answer }, now);
    });
  }

  idle(): boolean {
    return this.#actor.idle();
  }
}

/** A command of a log that claims to leave nothing to do. */
function atRest(effect: WorldEffect, isMeant: (command: LogCommand) => boolean): WorldEffect {
  if (effect.kind !== 'log' || !('restless' in effect.command) || !isMeant(effect.command)) return effect;
  return { kind: 'log', command: { ...effect.command, restless: false } };
}

/** The last row of an open segment, to whoever takes it over. */
function forgetNewestRow(_log: string, request: StoreRequest, reply: StoreReply): StoreReply {
  const isRecovery = request.op === 'readRows' && request.range.through === Number.MAX_SAFE_INTEGER;
  return isRecovery && reply.op === 'readRows' ? { op: 'readRows', rows: reply.rows.slice(0, -1) } : reply;
}

/** The covered mark is written; the rows that it speaks of are only said to be. */
function coverFirst(_log: string, request: StoreRequest, reply: (answer: StoreReply) => void): StoreRequest | null {
  if (request.op !== 'writeState' || request.rows.some(({ key }) => key === coveredKey)) return request;
  reply(stateWritten);
  return null;
}
