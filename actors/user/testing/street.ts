// A street of user actors for tests: logs in memory that may stand still, lose what is not durable, expire and fail; rooms that only know who is
// in them; sessions that only remember what they were told. Everything happens when the test says so, in the order it says.

import type { Primitives } from '#proto/rules/primitives.ts';
import { type Address, parseAddress, userAddress } from '../../kernel/address.ts';
import type { Effect } from '../../kernel/effects.ts';
import type { AnswerBody, RoomSummary, UserMessage, UserRequest } from '../../kernel/messages.ts';
import type { LogAnswer, LogCommand, LogRow, StateChange } from '../../log/messages.ts';
import type { UserSettings } from '../turn.ts';
import { UserActor } from '../user.ts';

/** A log that keeps what is durable. */
export class MemoryLog {
  readonly rows: LogRow[] = [];
  readonly state = new Map<string, { value: Uint8Array; seq: number; sub: number }>();
  floor = 1;
  /** Commands wait until `flush`. */
  held = false;
  /** Somebody else has it by now, and the actor does not know. */
  fenced = false;
  /** Commands that wait. */
  readonly waiting: LogCommand[] = [];
  coveredThrough = 0;
  /** Is something left to do, by the actor's last word? */
  restless = false;

  /** Was anything ever written? */
  get exists(): boolean {
    return this.rows.length > 0;
  }

  /** Carries out a command; the answer, if it has one. */
  perform(command: LogCommand): LogAnswer | null {
    switch (command.kind) {
      case 'open': {
        const state = [...this.state].map(([key, { value }]) => ({ key, value }));
        const rows = this.rows.filter(({ seq }) => seq > this.coveredThrough && seq >= this.floor);
        return { kind: 'opened', exists: this.exists, state, rows, nextSeq: this.rows.length + 1, floor: this.floor };
      }
      case 'append':
        if (command.fromSeq !== this.rows.length + 1) throw new Error('append does not continue the log');
        this.restless ||= command.restless ?? false;
        for (const { bytes } of command.rows) this.rows.push({ seq: this.rows.length + 1, bytes });
        return { kind: 'appended', throughSeq: this.rows.length };
      case 'save':
        this.#change(command.changes);
        return { kind: 'saved', token: command.token };
      case 'read': {
        const { fromSeq, throughSeq, limit, token } = command;
        const wanted = this.rows.filter(({ seq }) => seq >= Math.max(fromSeq, this.floor) && seq <= throughSeq);
        const rows: LogRow[] = [];
        let bytes = 0;
        for (const row of wanted) {
          bytes += row.bytes.length;
          if (rows.length === limit || (rows.length > 0 && bytes > command.bytesMax)) break;
          rows.push(row);
        }
        const next = wanted[rows.length]?.seq ?? 0;
        return { kind: 'rows', token, rows, floor: this.floor, next };
      }
      case 'confirm':
        return this.fenced ? { kind: 'failed', code: 'FENCED' } : { kind: 'confirmed', token: command.token };
      case 'sealed':
        this.restless = command.restless ?? false;
        this.#change(command.changes);
        this.coveredThrough = this.rows.length;
        return null;
      case 'close':
        this.restless = command.restless ?? false;
        this.#change(command.changes);
        this.coveredThrough = this.rows.length;
        return { kind: 'closed' };
      default:
        throw new Error('a user actor never asks for this');
    }
  }

  #change(changes: readonly StateChange[]): void {
    for (const { key, value, seq, sub } of changes) {
      if (seq > this.rows.length) throw new Error('a state row holds what is not covered');
      const before = this.state.get(key);
      if (before !== undefined && (before.seq > seq || (before.seq === seq && before.sub >= sub))) {
        throw new Error('a state row does not win over the one before');
      }
      if (value === null) this.state.delete(key);
      else this.state.set(key, { value, seq, sub });
    }
  }
}

/** The session that asks in `Street.ask`; its number is that of the device where none is given. */
export interface AskingSession {
  readonly user: string;
  readonly device: number;
  readonly session?: number;
}

/** How the users of a street are set up. */
export function settingsWith(primitives: Primitives): UserSettings {
  return {
    primitives,
    heartbeatSeconds: 30,
    isBot: (user) => user.startsWith('@bot'),
    limitInvitations: true,
    infoBot: '',
  };
}

/** The street. */
export class Street {
  now = 1_800_000_000_000;
  readonly logs = new Map<string, MemoryLog>();
  /** Effects that no part of the street carries out, in order, with who asked for them. */
  readonly seen: { readonly user: string; readonly effect: Effect }[] = [];
  readonly answers = new Map<number, AnswerBody>();
  /** Who is in which room. */
  readonly rooms = new Map<string, readonly string[]>();
  /** Who is only invited there. */
  readonly invited = new Map<string, readonly string[]>();
  readonly heads = new Map<string, RoomSummary>();
  /** Rooms that confirm no identity. */
  readonly deaf = new Set<string>();
  /** What login says of every grant; undefined = nothing, until the test does. */
  grantsCount: boolean | undefined;
  /** Addresses that say nothing. */
  readonly silent = new Set<string>();
  readonly #settings: UserSettings;
  readonly #actors = new Map<string, UserActor>();
  readonly #queue: { readonly user: string; readonly message: UserMessage }[] = [];
  #working = false;
  #incarnations = 0;
  #requests = 0;

  constructor(primitives: Primitives, settings: Partial<UserSettings> = {}) {
    this.#settings = { ...settingsWith(primitives), ...settings };
  }

  /** The log of a user. */
  log(user: string): MemoryLog {
    const log = this.logs.get(user) ?? new MemoryLog();
    this.logs.set(user, log);
    return log;
  }

  /** Is the user's actor in memory? */
  isAwake(user: string): boolean {
    return this.#actors.has(user);
  }

  /** Sends a message and lets everything happen that can, one message after the other. */
  tell(user: string, message: UserMessage): void {
    this.#queue.push({ user, message });
    if (this.#working) return;
    this.#working = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift())
      this.#handle(next.user, next.message);
    this.#working = false;
  }

  /** Sends a request; its answer, or undefined while there is none. */
  ask({ user, device, session = device }: AskingSession, body: UserRequest): AnswerBody | undefined {
    const request = this.asks({ user, device, session }, body);
    return this.answers.get(request);
  }

  /** Sends a request; its number. */
  asks({ user, device, session = device }: AskingSession, body: UserRequest): number {
    const request = ++this.#requests;
    this.tell(user, {
      kind: 'request',
      from: { session, request, user, device, mayEnter: true, mayInvite: true },
      body,
    });
    return request;
  }

  /** Lets a held log go on by so many commands (all of them). */
  flush(user: string, commands = Number.POSITIVE_INFINITY): void {
    const log = this.log(user);
    for (let left = commands; left > 0; left--) {
      const command = log.waiting.shift();
      if (command === undefined) return;
      this.#answer(user, log.perform(command));
    }
  }

  /** The actor dies with all that was not durable. */
  crash(user: string): void {
    this.#actors.delete(user);
    this.log(user).waiting.length = 0;
  }

  /** Half a minute passes. */
  passivate(user: string): void {
    if (this.#actors.get(user)?.idle()) this.tell(user, { kind: 'timer', name: 'passivate' });
  }

  /** Effects of a kind seen since the last call of `forget`. */
  all<Kind extends Effect['kind']>(kind: Kind): Extract<Effect, { kind: Kind }>[] {
    return this.seen.flatMap(({ effect }) => (effect.kind === kind ? [effect as Extract<Effect, { kind: Kind }>] : []));
  }

  /** Forgets what was seen. */
  forget(): void {
    this.seen.length = 0;
  }

  #handle(user: string, message: UserMessage): void {
    if (this.silent.has(userAddress(user))) return;
    const found = this.#actors.get(user);
    // The answer to an actor that is gone.
    if (found === undefined && message.kind === 'log') return;
    const actor = found ?? this.#make(user);
    this.#actors.set(user, actor);
    this.#perform(user, actor.receive(message, this.now));
  }

  #make(user: string): UserActor {
    return new UserActor(user, ++this.#incarnations, this.#settings);
  }

  #answer(user: string, answer: LogAnswer | null): void {
    if (answer !== null && this.#actors.has(user)) this.tell(user, { kind: 'log', answer });
  }

  #perform(user: string, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'log') this.#performLog(user, effect.command);
      else if (effect.kind === 'answer') this.#keepAnswer(effect.request, effect.body);
      else if (effect.kind === 'stop') this.#actors.delete(user);
      else if (effect.kind === 'send') this.#send(user, effect.to, effect);
      else if (effect.kind === 'summaries') this.#summarise(user, effect);
      else if (effect.kind === 'checkGrant') this.#checkGrant(user, effect);
      else this.seen.push({ user, effect });
    }
  }

  #keepAnswer(request: number, body: AnswerBody): void {
    if (this.answers.has(request)) throw new Error('a request was answered twice');
    this.answers.set(request, body);
  }

  #performLog(user: string, command: LogCommand): void {
    const log = this.log(user);
    if (log.held) log.waiting.push(command);
    else this.#answer(user, log.perform(command));
  }

  #summarise(user: string, effect: Extract<Effect, { kind: 'summaries' }>): void {
    this.seen.push({ user, effect });
    if (this.silent.has('heads')) return;
    const summaries = effect.rooms.flatMap((room) => this.heads.get(room) ?? []);
    this.tell(user, { kind: 'summaries', token: effect.token, summaries });
  }

  #checkGrant(user: string, effect: Extract<Effect, { kind: 'checkGrant' }>): void {
    this.seen.push({ user, effect });
    if (this.grantsCount === undefined) return;
    this.tell(user, { kind: 'grantChecked', token: effect.token, counts: this.grantsCount });
  }

  #send(from: string, to: Address, effect: Extract<Effect, { kind: 'send' }>): void {
    const { kind, id } = parseAddress(to);
    if (this.silent.has(to)) return;
    if (kind === 'user') {
      this.tell(id, effect.message as UserMessage);
      return;
    }
    this.seen.push({ user: from, effect });
    if (effect.message.kind === 'identityMoved' && !this.deaf.has(id)) {
      this.tell(from, { kind: 'identityKept', room: id, version: effect.message.head.version });
    }
    if (effect.message.kind !== 'authorise') return;
    const { token, users, user } = effect.message;
    const [members, guests] = [this.rooms.get(id) ?? [], this.invited.get(id) ?? []];
    const asked = members.includes(user) || guests.includes(user) ? users : [];
    const allowed = asked.filter((each) => members.includes(each));
    const invited = asked.filter((each) => guests.includes(each));
    this.tell(from, { kind: 'authorised', token, allowed, invited });
  }
}
