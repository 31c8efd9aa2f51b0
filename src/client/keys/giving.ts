// Giving sessions to devices that ask for them: to own ones whatever is here, to another member's only sessions that this very device began.
// Guarantees: a session goes to no device but those in the newest manifest of their owner, cross-signed, under an identity that the chain commits to; to another
// person only where the chain had them joined when the session began, and without a break since: a session opens everything from its first message on.
// So who was removed, who came later, a ghost device and a server that asks in somebody's name get nothing; and of who was out themselves meanwhile nothing of before. Does not: say why not.
import type { RoomKey } from '../crypto/ids.ts';
import type { Rooms } from '../room/rooms.ts';
import { forEach, type SayingPorts, say, type Told } from './saying.ts';
import { sessionName } from './session-message.ts';

/** Sessions that a device may ask for within an hour. What is more is left alone, and counted as `keys.overAsked`. */
export const askedPerHour = { own: 14_400, others: 480 } as const;
/** Milliseconds that questions are gathered for: answering means to look through all sessions once. */
export const gatherMs = 1_000;

const hourMs = 3_600_000;

/** What giving needs. */
export interface GivingPorts extends SayingPorts {
  readonly rooms: () => Pick<Rooms, 'get'>;
  readonly later: (ms: number, work: () => Promise<void>) => void;
}

interface Question extends Told {
  readonly own: boolean;
  readonly wanted: RoomKey[];
}

/** The answers of one device. */
export class Giving {
  readonly #ports: GivingPorts;
  #questions = new Map<string, Question>();
  /** Sessions asked for in this hour, by device. */
  readonly #spent = new Map<string, number>();
  #hourEndsMs = 0;

  constructor(ports: GivingPorts) {
    this.#ports = ports;
  }

  /** Takes a question. `own`: of a listed device of this user. */
  asked({ user, device, own, wanted }: Question): void {
    const granted = this.#within(`${user} ${device}`, own ? askedPerHour.own : askedPerHour.others, wanted);
    if (granted.length === 0) return;
    if (this.#questions.size === 0) this.#ports.later(gatherMs, () => this.#answer());
    const name = `${user} ${device}`;
    const question = this.#questions.get(name) ?? { user, device, own, wanted: [] };
    question.wanted.push(...granted);
    this.#questions.set(name, question);
  }

  #within(name: string, most: number, wanted: readonly RoomKey[]): readonly RoomKey[] {
    const { now, count } = this.#ports.parts();
    if (now() >= this.#hourEndsMs) {
      this.#spent.clear();
      this.#hourEndsMs = now() + hourMs;
    }
    const spent = this.#spent.get(name) ?? 0;
    const granted = wanted.slice(0, Math.max(0, most - spent));
    this.#spent.set(name, spent + granted.length);
    if (granted.length < wanted.length) count('keys.overAsked', wanted.length - granted.length);
    return granted;
  }

  async #answer(): Promise<void> {
    const questions = [...this.#questions.values()];
    this.#questions = new Map();
    const allowed: Question[] = [];
    await forEach(questions, async (question) => {
      allowed.push({ ...question, wanted: await this.#allowed(question) });
    }).finally(() => this.#give(allowed));
  }

  /** Gives what is here of what they may have. */
  async #give(allowed: readonly Question[]): Promise<void> {
    const { engine, count } = this.#ports.parts();
    const wanted = new Map(allowed.flatMap((one) => one.wanted.map((key) => [sessionName(key), key] as const)));
    if (wanted.size === 0) return;
    const held = new Map(
      (await engine.giveSessions([...wanted.values()])).map((one) => [sessionName(one), one] as const),
    );
    await forEach(allowed, async ({ wanted: keys, own, ...device }) => {
      const given = keys.flatMap((key) => held.get(sessionName(key)) ?? []);
      await say(this.#ports, device, { given });
      if (given.length > 0) count(own ? 'keys.toOwn' : 'keys.toOthers', given.length);
    });
  }

  async #allowed(question: Question): Promise<RoomKey[]> {
    const { user, own, wanted } = question;
    if (own) return wanted;
    const { people, count } = this.#ports.parts();
    const rooms = new Set(wanted.map(({ room }) => room).filter((room) => this.#ports.rooms().get(room)));
    const [room] = rooms;
    // A list that is older than the question might still have a device that was taken off since.
    if (room === undefined || !(await people.tryRefresh(user, room))) return [];
    const allowed: RoomKey[] = [];
    for (const key of wanted) if (await this.#mayHave(question, key)) allowed.push(key);
    if (allowed.length < wanted.length) count('keys.refused', wanted.length - allowed.length);
    return allowed;
  }

  async #mayHave({ user, device }: Question, { room, sessionId }: RoomKey): Promise<boolean> {
    const replica = this.#ports.rooms().get(room)?.replica;
    if (!replica?.joined || replica.local.frozen !== '') return false;
    const { engine, people } = this.#ports.parts();
    const audience = await engine.sessionAudience(room, sessionId);
    const member = replica.chain.memberOf(user);
    const person = replica.chain.person(member);
    if (audience === undefined || !person || !replica.chain.joinedSince(member, audience)) return false;
    return people.recipient(user, person.fingerprint)?.devices.includes(device) === true;
  }
}
