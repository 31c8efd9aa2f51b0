// Switching one's account off, and erasing it at the provider. Either takes a step-up, so an unlocked device is not enough, and ends this device: what it
// keeps itself stays until the caller removes it. Before it is erased the account hands over the groups that nobody else leads, empties what it wrote in its rooms
// and leaves them all, which this device says and signs: no server can.
import { ErasedKind } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { receiptNumber } from '#proto/rules/bytes/hash.ts';
import type { Farewell } from '../chain/farewell.ts';
import { granted } from '../connection/granted.ts';
import type { StepUpGrant } from '../connection/login.ts';
import { ClientError, type Closed, isRejection, unlessBug } from '../errors.ts';
import type { Parts } from '../parts.ts';
import type { RoomInfo } from '../shown.ts';

/** What a provider keeps of an account. */
export type ErasedWhat =
  | 'login'
  | 'account'
  | 'backup'
  | 'listing'
  | 'inbox'
  | 'messages'
  | 'files'
  | 'reports'
  | 'memberships'
  | 'id'
  /** Of a later version. */
  | 'other';

/** How the erasure of an account was answered. */
export interface Erasure {
  /** 32 hexadecimal digits, which the provider keeps beside the erased id. */
  readonly number: string;
  /** UTC day of it, since 1970-01-01. */
  readonly day: number;
  /** What goes until when: `lastDay` is the last UTC day on which something of it may be left, `day` = it goes at once, 0 = it stays. Empty where the
   * answer was lost: the server logged this device out, as it does after an erasure. */
  readonly parts: readonly { readonly what: ErasedWhat; readonly lastDay: number }[];
  /** Rooms that were left before. */
  readonly left: number;
  /** Groups that somebody else leads now, who was in them. */
  readonly handed: readonly HandedGroup[];
  /** Rooms that could not be left: a device that is not confirmed can't, nor one of an identity that is not signed in, nor the only owner of a group where
   * nobody can be found who leads it on; nor anybody where others change the room all the time. */
  readonly stayed: readonly string[];
  /** Rooms where what the person wrote could not be emptied, for the same reasons: it stays there, encrypted, until its time is over. As it does in rooms
   * that were left before, which are not named. */
  readonly kept: readonly string[];
}

/** A group that only its erased owner led, and who leads it on. */
export interface HandedGroup {
  readonly room: string;
  /** Luxchat-ID. */
  readonly user: string;
}

/** What erasing the account would do to the groups that only this user leads, and where it could do nothing. */
export interface ErasureLoss {
  /** Who would lead them on. */
  readonly handed: readonly HandedGroup[];
  /** Groups where nobody is who could: whoever else is listed there, bots and invited ones, would be taken out, and nobody could come any more. Ids. */
  readonly ended: readonly string[];
  /** Rooms, led alone or not, that would not be left as they are now, nor handed over: frozen ones, those that wait for a new identity to be signed in, and all where this
   * device is not confirmed. What was written there would stay. Ids. */
  readonly stayed: readonly string[];
}

/** How far an erasure is: rooms left so far, of how many. */
export interface LeavingProgress {
  readonly left: number;
  readonly of: number;
}

export interface ClosingPorts {
  readonly parts: () => Pick<Parts, 'request' | 'live' | 'whenLive' | 'now' | 'primitives'>;
  readonly rooms: () => readonly RoomInfo[];
  /** Has the provider empty all that this user wrote in a room that they are in. Rejects as requests do. */
  readonly empty: (room: RoomInfo) => Promise<void>;
  /** How this user would go from a room; undefined where this device may not sign that. Rejects as requests do. */
  readonly farewell: (room: RoomInfo) => Promise<Farewell | undefined>;
  /** Nothing that waits goes out any more, until `release`; resolves when nothing is under way. */
  readonly hold: () => Promise<void>;
  readonly release: () => void;
  /** Sees to it that a room can be left: resolves to who leads it on, where that is somebody new. Rejects as requests do. */
  readonly handOver: (room: RoomInfo) => Promise<string | undefined>;
  /** Notes on this device that its account is closed. */
  readonly closed: (how: Closed) => Promise<void>;
  /** Leaves a room, or declines the invitation to it. Rejects as requests do. */
  readonly leave: (room: RoomInfo) => Promise<void>;
}

/** Emptying and leaving rooms takes so long at most, so that the grant, which lasts ten minutes, still counts afterwards. */
const leavingMs = 300_000;
const dayMs = 86_400_000;

const names: Readonly<Record<ErasedKind, ErasedWhat>> = {
  [ErasedKind.ERASED_KIND_UNSPECIFIED]: 'other',
  [ErasedKind.ERASED_KIND_LOGIN]: 'login',
  [ErasedKind.ERASED_KIND_ACCOUNT]: 'account',
  [ErasedKind.ERASED_KIND_BACKUP]: 'backup',
  [ErasedKind.ERASED_KIND_LISTING]: 'listing',
  [ErasedKind.ERASED_KIND_INBOX]: 'inbox',
  [ErasedKind.ERASED_KIND_MESSAGES]: 'messages',
  [ErasedKind.ERASED_KIND_FILES]: 'files',
  [ErasedKind.ERASED_KIND_REPORTS]: 'reports',
  [ErasedKind.ERASED_KIND_MEMBERSHIPS]: 'memberships',
  [ErasedKind.ERASED_KIND_ID]: 'id',
};

/** Closes the account of this device. */
export class AccountCloser {
  readonly #ports: ClosingPorts;

  constructor(ports: ClosingPorts) {
    this.#ports = ports;
  }

  /** See AccountApi.deactivate. */
  async deactivate({ token, attempt }: StepUpGrant): Promise<void> {
    const { request } = this.#ports.parts();
    const value = { grant: { token, attempt } };
    await this.#answered(() => request({ $case: 'deactivateAccount', value }, 'done'));
    await this.#note('deactivated');
  }

  /** See AccountApi.lossAtErasure. */
  async lossAtErasure(): Promise<ErasureLoss> {
    const [handed, ended, stayed]: [HandedGroup[], string[], string[]] = [[], [], []];
    for (const info of this.#ports.rooms().filter((each) => isJoined(each) || isSuspended(each))) {
      const { room } = info;
      const farewell = isSuspended(info) ? undefined : await this.#ports.farewell(info);
      if (farewell === undefined) stayed.push(room);
      else if (farewell.how === 'handOver') handed.push({ room, user: farewell.to.user });
      else if (farewell.how === 'end') ended.push(room);
    }
    return { handed, ended, stayed };
  }

  /** See AccountApi.erase. */
  async erase(grant: StepUpGrant, onLeaving: (progress: LeavingProgress) => void): Promise<Erasure> {
    const { token, attempt, purpose = 'erase' } = grant;
    // Before a room is left for nothing.
    if (purpose !== 'erase')
      throw new ClientError('STEP_UP_NEEDED', `This fresh login was for another purpose: ${purpose}.`);
    const { now, primitives } = this.#ports.parts();
    // What went out between emptying a room and leaving it would stay there.
    await this.#ports.hold();
    const { leaving, answer } = await this.#eraseNow({ token, attempt }, onLeaving).catch((error) => {
      this.#ports.release();
      throw error;
    });
    await this.#note('erased');
    const { number, day, parts } = answer ?? {
      number: receiptNumber(attempt, primitives),
      day: Math.floor(now() / dayMs),
      parts: [],
    };
    const promised = parts.map(({ kind, lastDay }) => ({ what: names[kind] ?? 'other', lastDay }));
    return { number, day, parts: promised, ...leaving };
  }

  async #note(how: Closed): Promise<void> {
    // A device that can't note it says less from now on; what was answered is the person's all the same.
    await this.#ports.closed(how).catch(unlessBug);
  }

  async #eraseNow(grant: Pick<StepUpGrant, 'token' | 'attempt'>, onLeaving: (progress: LeavingProgress) => void) {
    const { request } = this.#ports.parts();
    const leaving = await this.#leaveAll(onLeaving);
    const value = { grant };
    const answer = await this.#answered(() => request({ $case: 'eraseAccount', value }, 'erasureReceipt'));
    return { leaving, answer };
  }

  /** Rejects where the connection is lost: nothing was erased then, and the same may be called again. */
  async #leaveAll(
    onLeaving: (progress: LeavingProgress) => void,
  ): Promise<Pick<Erasure, 'left' | 'handed' | 'stayed' | 'kept'>> {
    const { now } = this.#ports.parts();
    const until = now() + leavingMs;
    const rooms = this.#ports.rooms().filter(isIn);
    const [handed, stayed, kept]: [HandedGroup[], string[], string[]] = [[], [], []];
    const attempt = async (work: () => Promise<void>) => now() < until && (await this.#isDone(work));
    const handOver = async (room: RoomInfo) => {
      const user = isJoined(room) ? await this.#ports.handOver(room) : undefined;
      if (user !== undefined) handed.push({ room: room.room, user });
    };
    for (const [index, room] of rooms.entries()) {
      const isHeard = !isSuspended(room);
      const isFree = isHeard && (await attempt(() => handOver(room)));
      // While one is in, since nobody who left is heard, and right before that: what another own device says in between stays.
      if (!isHeard || (isJoined(room) && !(await attempt(() => this.#ports.empty(room))))) kept.push(room.room);
      if (!isFree || !(await attempt(() => this.#ports.leave(room)))) stayed.push(room.room);
      onLeaving({ left: index + 1 - stayed.length, of: rooms.length });
    }
    return { left: rooms.length - stayed.length, handed, stayed, kept };
  }

  async #isDone(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      // A request without an answer ends the connection: where that is there, it was the room, which others changed all the time.
      const isOfRoom = error.code === 'TIMEOUT' ? this.#ports.parts().live() : staysFor.has(error.code);
      if (!isOfRoom) throw error;
      return false;
    }
  }

  /** Asks until it is answered. Undefined: the session ended for good once it was asked, as it does when it was done, and the answer was lost. */
  async #answered<Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> {
    const { live, whenLive } = this.#ports.parts();
    const wasLive = live();
    let asked = 0;
    const askOnce = () => {
      asked += 1;
      return ask();
    };
    // Also where no session comes back: then asking says whether it ended for good.
    const wait = (ms: number) => whenLive(ms).then(() => true);
    try {
      return await granted(askOnce, wait);
    } catch (error) {
      const isOver = error instanceof ClientError && error.code === 'LOGIN_NEEDED';
      // Asked again in a session that is about to end.
      const wasDone = asked > 1 && isRejection(error, Rejection.REJECTION_NOT_LOGGED_IN);
      if ((wasLive && isOver) || wasDone) return undefined;
      throw error;
    }
  }
}

/** Why one room is not left or emptied, where the next one can be. Besides, that it changes too quickly. */
const staysFor: ReadonlySet<ClientError['code']> = new Set([
  'REJECTED',
  'UNTRUSTED',
  'UNKNOWN',
  'PROTOCOL',
  'NOT_CONFIRMED',
]);

function isIn(room: RoomInfo): boolean {
  return isJoined(room) || isSuspended(room) || room.status === MemberStatus.MEMBER_STATUS_INVITED;
}

/** Does it wait for a new identity to be signed in? Nothing that is signed under that one counts there. */
function isSuspended({ status }: RoomInfo): boolean {
  return status === MemberStatus.MEMBER_STATUS_SUSPENDED;
}

function isJoined({ status }: RoomInfo): boolean {
  return status === MemberStatus.MEMBER_STATUS_JOINED;
}
