// The user actor: the one writer of a user's account. closed -> opening -> live -> closing. It opens its log at the first message, works on what
// state rows and later entries say, and leaves memory after half a minute without work. Guarantees: whatever it answers or tells others is
// durable first. When its log fails it stops, the kernel answers UNAVAILABLE to those who wait, and the next message starts it anew.
import { Rejection } from '#proto/gen/codes.ts';
import type { Actor, Kept } from '../kernel/actor.ts';
import { nothing } from '../kernel/actor.ts';
import { userAddress } from '../kernel/address.ts';
import { Tokens } from '../kernel/asks.ts';
import { bounce } from '../kernel/bounce.ts';
import type { Effect } from '../kernel/effects.ts';
import { laneOf } from '../kernel/message-kinds.ts';
import type { UserMessage } from '../kernel/messages.ts';
import type { LogAnswer } from '../log/messages.ts';
import { closed, closingTimer, confirmEnded, letGo } from './closing.ts';
import { deposit } from './deposit.ts';
import { dropDevice } from './devices.ts';
import { Gathers } from './gathers/gather.ts';
import { Held } from './held.ts';
import { greet } from './hello.ts';
import { noteInvited } from './invited.ts';
import { claimKeys } from './keys.ts';
import { Ledger } from './ledger.ts';
import { userLimits } from './limits.ts';
import { introduce, introduced, keepNewcomer, newcomerTimer } from './newcomers.ts';
import { keysOf } from './public-keys.ts';
import { handleRequest } from './requests.ts';
import { keepNotice, keepStanding, standingsTimer, tellDue } from './rooms.ts';
import { Buckets } from './state/buckets.ts';
import { roomsTimer, roomTold, tellRooms } from './tell-rooms.ts';
import { type Desk, Turn, type UserSettings } from './turn.ts';

/** One user at their provider. `incarnation` keeps answers to an earlier actor of this user apart. */
export class UserActor implements Actor<UserMessage> {
  readonly #user: string;
  readonly #settings: UserSettings;
  readonly #tokens: Tokens;
  readonly #gathers = new Gathers();
  readonly #buckets = new Buckets();
  readonly #reads: Desk['reads'] = new Map();
  readonly #noticed: Desk['noticed'] = new Map();
  readonly #met: Desk['met'] = new Set();
  readonly #toldRooms: Desk['toldRooms'] = new Set();
  #phase: 'closed' | 'opening' | 'live' | 'closing' = 'closed';
  readonly #held = new Held();
  #ledger: Ledger | null = null;

  constructor(user: string, incarnation: number, settings: UserSettings) {
    this.#user = user;
    this.#tokens = new Tokens(incarnation);
    this.#settings = settings;
  }

  receive(message: UserMessage, now: number): readonly Effect[] {
    if (message.kind === 'log') return this.#hearLog(message.answer, now);
    const ledger = this.#ledger;
    if (this.#phase === 'live' && ledger !== null) {
      if (message.kind === 'timer' && message.name === 'passivate') return this.#passivate(ledger);
      const isFull = ledger.waiting >= userLimits.waitingTurnsMax && laneOf(message) === 'work';
      return isFull ? this.#busy(message) : this.#take(ledger, message, now);
    }
    if (!this.#held.add(message)) return this.#busy(message);
    if (this.#phase !== 'closed') return nothing;
    this.#phase = 'opening';
    return [{ kind: 'log', command: { kind: 'open', create: false } }];
  }

  idle(): boolean {
    if (this.#phase === 'closed') return true;
    return (
      this.#phase === 'live' && this.#gathers.size === 0 && this.#reads.size === 0 && (this.#ledger?.quiet ?? false)
    );
  }

  /** See Actor. */
  kept(): readonly Kept[] {
    return [
      { what: 'held', count: this.#held.work, max: userLimits.heldMessagesMax },
      { what: 'held bytes', count: this.#held.bytes, max: userLimits.heldBytesMax },
      // What the actor itself asked for adds to it, and is bounded by what it has under way.
      { what: 'waiting turns', count: this.#ledger?.waiting ?? 0, max: 2 * userLimits.waitingTurnsMax },
      { what: 'gathers', count: this.#gathers.size, max: userLimits.gathersMax },
    ];
  }

  #busy(message: UserMessage): readonly Effect[] {
    const refusal = { code: Rejection.REJECTION_BUSY, retryAfterMs: userLimits.retryAfterMs };
    return bounce(userAddress(this.#user), message, refusal);
  }

  #hearLog(answer: LogAnswer, now: number): readonly Effect[] {
    const ledger = this.#ledger;
    if (answer.kind === 'opened') return this.#open(new Ledger(this.#user, answer, this.#tokens), now);
    if (answer.kind === 'failed' || answer.kind === 'closed') return [{ kind: 'stop' }];
    if (ledger === null) return nothing;
    switch (answer.kind) {
      case 'appended':
        return ledger.cover(answer.throughSeq);
      case 'saved':
        return ledger.saved(answer.token);
      case 'confirmed':
        return ledger.confirmed(answer.token);
      case 'sealing':
        return [ledger.seal()];
      case 'rows': {
        const read = this.#reads.get(answer.token);
        this.#reads.delete(answer.token);
        ledger.floor = Math.max(ledger.floor, answer.floor);
        return this.#turn(ledger, now, (turn) => read?.(turn, answer));
      }
      default:
        return nothing;
    }
  }

  #open(ledger: Ledger, now: number): readonly Effect[] {
    this.#ledger = ledger;
    this.#phase = 'live';
    const goesOn = (turn: Turn) => {
      tellRooms(turn);
      tellDue(turn);
      introduce(turn);
      letGo(turn);
    };
    const effects = [...ledger.began(), ...this.#turn(ledger, now, goesOn)];
    for (const message of this.#held.take())
      effects.push(...this.#turn(ledger, now, (turn) => this.#handle(turn, message)));
    return this.#orEnd(ledger, effects);
  }

  #passivate(ledger: Ledger): readonly Effect[] {
    if (!this.idle()) return nothing;
    this.#phase = 'closing';
    const close = ledger.close();
    return close === null ? [{ kind: 'stop' }] : [close];
  }

  #take(ledger: Ledger, message: UserMessage, now: number): readonly Effect[] {
    return this.#orEnd(
      ledger,
      this.#turn(ledger, now, (turn) => this.#handle(turn, message)),
    );
  }

  // Whoever asks about names that nobody has must not fill the memory with them.
  #orEnd(ledger: Ledger, effects: readonly Effect[]): readonly Effect[] {
    if (ledger.live.seq > 0 || !this.idle()) return effects;
    this.#phase = 'closing';
    return [...effects, { kind: 'stop' }];
  }

  #turn(ledger: Ledger, now: number, work: (turn: Turn) => void): readonly Effect[] {
    const desk: Desk = {
      account: ledger.live,
      settings: this.#settings,
      gathers: this.#gathers,
      buckets: this.#buckets,
      tokens: this.#tokens,
      reads: this.#reads,
      noticed: this.#noticed,
      met: this.#met,
      toldRooms: this.#toldRooms,
      floor: ledger.floor,
      coveredSeq: ledger.coveredSeq,
    };
    const turn = new Turn(desk, now);
    work(turn);
    return ledger.settle(turn);
  }

  #handle(turn: Turn, message: UserMessage): void {
    const user = this.#user;
    switch (message.kind) {
      case 'hello':
        greet(turn, message);
        return;
      case 'deviceRevoked':
        if (turn.account.isOpen) dropDevice(turn, message.device);
        else confirmEnded(turn, message.device);
        return;
      case 'request':
        handleRequest(turn, message.from, message.body);
        return;
      case 'deposit': {
        const { sender, senderDevice, messages, token, replyTo } = message;
        const undelivered = deposit(turn, { sender, senderDevice }, messages);
        turn.confirm({ kind: 'send', to: replyTo, message: { kind: 'deposited', token, user, undelivered } });
        return;
      }
      case 'claim': {
        const { targets, token, replyTo } = message;
        const keys = claimKeys(
          turn,
          targets.map(({ device }) => device),
        );
        turn.confirm({ kind: 'send', to: replyTo, message: { kind: 'claimed', token, user, keys } });
        return;
      }
      case 'readKeys': {
        const { devices, own, token, replyTo, manifestsAbove = 0 } = message;
        const keys = keysOf(turn, { devices, own, manifestsAbove });
        turn.confirm({ kind: 'send', to: replyTo, message: { kind: 'keysRead', token, user, keys } });
        return;
      }
      case 'standing':
        keepStanding(turn, message);
        return;
      case 'manifestMoved':
        keepNotice(turn, message);
        return;
      case 'newcomer':
        keepNewcomer(turn, message);
        return;
      case 'newcomerKept':
        introduced(turn);
        return;
      case 'invited':
        noteInvited(turn);
        return;
      case 'accountClosed':
        closed(turn);
        return;
      case 'authorised':
      case 'deposited':
      case 'claimed':
      case 'keysRead':
      case 'summaries':
      case 'grantChecked':
        this.#gathers.heard(turn, message);
        return;
      case 'identityKept':
        roomTold(turn, message);
        return;
      case 'timer':
        this.#timeUp(turn, message.name);
        return;
      case 'log':
        return;
    }
  }

  #timeUp(turn: Turn, timer: string): void {
    if (timer === roomsTimer) tellRooms(turn);
    else if (timer === standingsTimer) tellDue(turn);
    else if (timer === newcomerTimer) introduce(turn);
    else if (timer === closingTimer) letGo(turn);
    else this.#gathers.timeUp(turn, timer);
  }
}
