// How the user stands in rooms, kept by room. Newer control entries replace older ones. A room that the user is in is always kept: that those
// stay within 1,000 is decided where the user enters. What others make of the list is bounded: invitations by inviter and in all, former rooms
// by time and number. Of rooms that the user was in the id stays when that time is over, so that each hears of an erasure: they are not listed, and count among the former ones.
// What goes depends on the entries alone, so that every replay lets the same rooms go.
import type { RoomRow } from '#proto/gen/account.ts';
import { MemberStatus, RoomStanding } from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { userLimits } from '../limits.ts';

const noStanding = RoomStanding.decode(noBytes);

type Named = readonly [room: string, row: RoomRow];

/** The rooms of one user. */
export class Standings {
  readonly #rows = new Map<string, RoomRow>();

  restore(room: string, row: RoomRow): void {
    this.#rows.set(room, row);
  }

  get(room: string): RoomRow | undefined {
    return this.#rows.get(room);
  }

  /** Is this news? False for a repeat or something older than what is known. */
  isNews(standing: RoomStanding): boolean {
    return standing.controlNumber > (this.#rows.get(standing.room)?.standing?.controlNumber ?? 0);
  }

  /** May the user be in one more room? False at so many that they are in, suspended there or not. */
  mayEnter(roomsMax: number): boolean {
    return this.#named((row) => isIn(statusOf(row))).length < roomsMax;
  }

  /** Takes a standing, and lets go what is then over a limit; returns the rooms whose rows changed. `due`: devices are to hear of it later. */
  set(standing: RoomStanding, now: number, { due }: { due: boolean }): string[] {
    const { room, status } = standing;
    const before = this.#rows.get(room);
    const joined = isIn(status) || status === MemberStatus.MEMBER_STATUS_LEFT || before?.joined === true;
    const isKnown = before?.standing?.controlNumber === standing.controlNumber;
    const wasIn = before?.wasIn === true;
    this.#rows.set(room, { standing, sinceMs: isKnown ? before.sinceMs : now, joined, due, wasIn });
    const displaced = isInvited(status) ? this.#crowdedOut(standing) : [];
    for (const each of displaced) this.#letGo(each);
    const surplus = this.#surplus();
    for (const each of surplus) this.#rows.delete(each);
    return [room, ...displaced, ...surplus, ...this.#fade(now)];
  }

  /** The rooms to list, by id, after the given one. */
  list(after: string, now: number): string[] {
    return this.#named((row, room) => room > after && !isFaded(row, now))
      .map(([room]) => room)
      .sort();
  }

  /** This room, where it is in the list. */
  listed(room: string, now: number): string[] {
    const row = this.#rows.get(room);
    return row === undefined || isFaded(row, now) ? [] : [room];
  }

  /** All that is kept, by room, after the given one. */
  kept(after: string): Named[] {
    return this.#named((_, room) => room > after).sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Forgets all; returns the rooms whose rows go. */
  clear(): string[] {
    const rooms = [...this.#rows.keys()];
    this.#rows.clear();
    return rooms;
  }

  /** How the user stands where devices are still to hear of it, longest first. */
  due(): RoomStanding[] {
    return this.#named((row) => row.due)
      .sort(byAge)
      .flatMap(([, { standing }]) => standing ?? []);
  }

  /** The rooms that the user is in or invited to, in no order. */
  current(): string[] {
    return this.#named((row) => isCurrent(statusOf(row))).map(([room]) => room);
  }

  // Invitations that make room for this one: the inviter's own oldest over 20, and over 200 in all the oldest of whoever has most. So a stranger
  // displaces other strangers' invitations only where 200 of them have one each.
  #crowdedOut({ room, byUser }: RoomStanding): string[] {
    const open = this.#named((row) => isInvited(statusOf(row)));
    const byInviter = Map.groupBy(open, ([, row]) => row.standing?.byUser ?? '');
    const own = byInviter.get(byUser) ?? [];
    if (own.length > userLimits.invitationsOfOneMax) return oldest(own, room);
    if (open.length <= userLimits.invitationsMax) return [];
    const most = Math.max(...[...byInviter.values()].map(({ length }) => length));
    return oldest([...byInviter.values()].filter(({ length }) => length === most).flat(), room);
  }

  // Former rooms over the number. Those that the user never was in go first: anybody can make such. Then those that are not listed any more.
  #surplus(): string[] {
    const former = this.#named((row) => !isCurrent(statusOf(row)));
    former.sort((a, b) => rankOf(a[1]) - rankOf(b[1]) || byAge(a, b));
    return former.slice(0, Math.max(0, former.length - userLimits.formerRoomsMax)).map(([room]) => room);
  }

  // Former rooms over the time: gone, or but an id. Which ones changed.
  #fade(now: number): string[] {
    const faded = this.#named((row) => isFaded(row, now) && !isBare(row));
    for (const [room] of faded) this.#letGo(room);
    return faded.map(([room]) => room);
  }

  // Of a room that the user was in the id stays.
  #letGo(room: string): void {
    const row = this.#rows.get(room);
    if (row?.joined || row?.wasIn) this.#rows.set(room, bare(room, row));
    else this.#rows.delete(room);
  }

  #named(wanted: (row: RoomRow, room: string) => boolean): Named[] {
    return [...this.#rows].filter(([room, row]) => wanted(row, room));
  }
}

function oldest(rows: readonly Named[], except: string): string[] {
  const [first] = rows.filter(([room]) => room !== except).sort(byAge);
  return first === undefined ? [] : [first[0]];
}

function byAge([a, left]: Named, [b, right]: Named): number {
  return left.sinceMs - right.sinceMs || (a < b ? -1 : 1);
}

function statusOf(row: RoomRow): MemberStatus {
  return row.standing?.status ?? MemberStatus.MEMBER_STATUS_UNSPECIFIED;
}

function isInvited(status: MemberStatus): boolean {
  return status === MemberStatus.MEMBER_STATUS_INVITED;
}

function isIn(status: MemberStatus): boolean {
  return status === MemberStatus.MEMBER_STATUS_JOINED || status === MemberStatus.MEMBER_STATUS_SUSPENDED;
}

function isCurrent(status: MemberStatus): boolean {
  return isInvited(status) || isIn(status);
}

/** The lowest goes first where former rooms are too many. */
function rankOf({ joined, wasIn }: RoomRow): number {
  return joined ? 2 : Number(wasIn);
}

/** What is kept of a former room that is not listed any more. */
function bare(room: string, { standing, sinceMs }: RoomRow): RoomRow {
  const { controlNumber = 0 } = standing ?? {};
  const kept = { ...noStanding, room, controlNumber, status: MemberStatus.MEMBER_STATUS_LEFT };
  return { standing: kept, sinceMs, joined: false, due: false, wasIn: true };
}

function isBare({ joined, wasIn, standing }: RoomRow): boolean {
  return wasIn && !joined && standing?.byUser === '';
}

function isFaded(row: RoomRow, now: number): boolean {
  return !isCurrent(statusOf(row)) && now - row.sinceMs > userLimits.formerRoomMs;
}
