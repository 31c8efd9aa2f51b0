// The rooms that a session hears: it asks them for the device (Subscribe), asks those anew that were lost with their node, and takes what they
// answer. It makes nobody live, which the rooms do; it knows neither rates nor the window, and who asks is told to it each time.
import { roomAddress, sessionAddress } from '#actors/kernel/address.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import type { AnswerBody, Requester, SessionMessage, SubscribedPart } from '#actors/kernel/messages.ts';
import { answerFrame } from './answer.ts';
import type { SessionLimits } from './limits.ts';
import { Rehearing, rehearName, rehearTimer } from './rehearing.ts';
import { Subscriptions, subscribedBody } from './subscriptions.ts';

/** What came of it: effects, and after them the answer to a Subscribe where its rooms have answered or had their time. */
export interface Heard {
  readonly effects: readonly Effect[];
  readonly answer?: { readonly request: number; readonly body: AnswerBody };
}

const silence: Heard = { effects: [] };
const subscribeTimer = 'subscribe/';

export class HeardRooms {
  readonly #session: number;
  readonly #limits: Pick<SessionLimits, 'subscribeTimeoutMs' | 'answerBytesMax'>;
  readonly #roomsMax: number;
  #subscriptions: Subscriptions | null = null;
  #rehearing: Rehearing | null = null;
  #tokens = 0;

  /** `roomsMax`: subscribed to at once, or asked for it. */
  constructor(session: number, limits: Pick<SessionLimits, 'subscribeTimeoutMs' | 'answerBytesMax'>, roomsMax: number) {
    this.#session = session;
    this.#limits = limits;
    this.#roomsMax = roomsMax;
  }

  /** Asks the rooms of a Subscribe, but hidden ones, which are refused; null = these would be too many rooms, and nothing has changed. */
  subscribe(rooms: readonly string[], hidden: ReadonlySet<string>, from: Requester): Heard | null {
    this.#subscriptions ??= new Subscriptions(this.#roomsMax);
    const token = ++this.#tokens;
    const distinct = new Set(rooms);
    const refused = [...distinct].filter((room) => hidden.has(room));
    for (const room of refused) distinct.delete(room);
    if (!this.#subscriptions.begin(token, from.request, distinct, refused)) return null;
    if (distinct.size === 0) return this.#gathered(token);
    const replyTo = sessionAddress(this.#session);
    const effects: Effect[] = [];
    for (const room of distinct) {
      effects.push({ kind: 'send', to: roomAddress(room), message: { kind: 'subscribe', from, replyTo, token } });
    }
    const { subscribeTimeoutMs } = this.#limits;
    effects.push({ kind: 'startTimer', name: `${subscribeTimer}${token}`, delayMs: subscribeTimeoutMs });
    return { effects };
  }

  /** Rooms are not heard any more since their node went: they are asked anew. */
  unheard({ rooms, watched }: Extract<SessionMessage, { kind: 'unheard' }>, from: Requester): readonly Effect[] {
    this.#rehearing ??= new Rehearing();
    for (const room of rooms) this.#rehearing.add(room, 'live');
    for (const room of watched) this.#rehearing.add(room, 'watch');
    return this.#rehear([...rooms, ...watched], from);
  }

  /** The user is out of this room. */
  evicted(room: string): void {
    this.#subscriptions?.evicted(room);
    this.#rehearing?.drop(room);
  }

  /** A room answered. */
  part(given: SubscribedPart, hidden: ReadonlySet<string>): Heard {
    // Hidden since it was asked.
    const isHidden = given.entry !== null && hidden.has(given.room);
    if (!isHidden) return this.#takePart(given);
    const { effects, answer } = this.#takePart({ ...given, entry: null });
    return heard([this.#parting(given.room), ...effects], answer);
  }

  /** One of its timers, or undefined for one of somebody else's. */
  timer(name: string, from: Requester): Heard | undefined {
    if (name === rehearName) return { effects: this.#rehear(this.#rehearing?.late() ?? [], from) };
    if (name.startsWith(subscribeTimer)) return this.#gathered(Number(name.slice(subscribeTimer.length)));
    return undefined;
  }

  #takePart(part: SubscribedPart): Heard {
    const rehearing = this.#rehearing;
    if (rehearing?.isToken(part.token) === true) {
      if (rehearing.isOld(part.room, part.token)) return silence;
      if (rehearing.of(part.room) !== undefined) return { effects: this.#reheard(rehearing, part) };
      // It was heard again already, or its user is out of it: then it is a stray, as below.
    }
    switch (this.#subscriptions?.part(part)) {
      case 'complete': {
        const { effects, answer } = this.#gathered(part.token);
        return heard([{ kind: 'cancelTimer', name: `${subscribeTimer}${part.token}` }, ...effects], answer);
      }
      case 'stray':
        // The answer said not now, so nothing of the room may be pushed either.
        return { effects: [this.#parting(part.room)] };
      default:
        return silence;
    }
  }

  #gathered(token: number): Heard {
    const gathering = this.#subscriptions?.end(token);
    if (gathering === undefined) return silence;
    const body = subscribedBody(gathering, this.#limits.answerBytesMax);
    return { effects: [], answer: { request: gathering.request, body } };
  }

  #rehear(rooms: readonly string[], from: Requester): Effect[] {
    const rehearing = this.#rehearing;
    if (rehearing === null) return [];
    const replyTo = sessionAddress(this.#session);
    return rooms.map((room) => {
      const asked = { kind: 'subscribe', from, replyTo, token: rehearing.ask(room) } as const;
      const message = rehearing.of(room) === 'watch' ? ({ ...asked, watch: true } as const) : asked;
      return { kind: 'send', to: roomAddress(room), message };
    });
  }

  /** A room is heard again. The device is told where it stands: what came meanwhile it fetches. */
  #reheard(rehearing: Rehearing, { room, entry, busy }: SubscribedPart): readonly Effect[] {
    if (busy) return rehearing.again(room) ? [rehearTimer(this.#session)] : [];
    const of = rehearing.drop(room);
    if (entry !== null) {
      const value = { room, headSeq: entry.headSeq, headCount: entry.headCount };
      const frame = answerFrame(0, { $case: 'headMoved', value }, this.#limits.answerBytesMax);
      return [{ kind: 'push', session: this.#session, frame }];
    }
    if (of === 'live') this.#subscriptions?.evicted(room);
    return [];
  }

  #parting(room: string): Effect {
    return { kind: 'part', session: this.#session, audience: { room } };
  }
}

function heard(effects: readonly Effect[], answer: Heard['answer']): Heard {
  return answer === undefined ? { effects } : { effects, answer };
}
