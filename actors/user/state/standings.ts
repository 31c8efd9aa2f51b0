// How the user stands in rooms, kept by room. Newer control entries replace older ones; former rooms fade after 30 days and at 200;
// invitations stop at 200 and everything at 1,000, so that neither strangers nor the user can make the list grow without bound.
import type { RoomRow } from '#proto/gen/account.ts';
import { MemberStatus, type RoomStanding } from '#proto/gen/record.ts';
import { limits } from '#proto/rules/limits.ts';
import { userLimits } from '../limits.ts';

/** Invited, joined or suspended: counted against the limit of 1,000. */
export function isCurrent(status: MemberStatus): boolean {
  return (
    status === MemberStatus.MEMBER_STATUS_INVITED ||
    status === MemberStatus.MEMBER_STATUS_JOINED ||
    status === MemberStatus.MEMBER_STATUS_SUSPENDED
  );
}

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

  /** May it be listed? A room that is listed already always may; a new one not over 1,000 in all, nor over 200 open invitations. */
  hasRoom(standing: RoomStanding): boolean {
    const known = this.#rows.get(standing.room)?.standing?.status;
    if (!isCurrent(standing.status) || (known !== undefined && isCurrent(known))) return true;
    let current = 0;
    let invited = 0;
    for (const { standing: each } of this.#rows.values()) {
      if (each === undefined || !isCurrent(each.status)) continue;
      current++;
      if (each.status === MemberStatus.MEMBER_STATUS_INVITED) invited++;
    }
    if (current >= limits.roomsMax) return false;
    return standing.status !== MemberStatus.MEMBER_STATUS_INVITED || invited < userLimits.invitationsMax;
  }

  /** Sets a room's row and lets former rooms go; returns the rooms whose rows changed. */
  set(room: string, row: RoomRow, now: number): string[] {
    this.#rows.set(room, row);
    return [room, ...this.#fade(now)];
  }

  /** The rooms to list, by id, after the given one. */
  list(after: string, now: number): string[] {
    const rooms: string[] = [];
    for (const [room, row] of this.#rows) if (room > after && !isFaded(row, now)) rooms.push(room);
    return rooms.sort();
  }

  /** The rooms that the user is in or may read, in no order. */
  current(): string[] {
    return [...this.#rows].filter(([, row]) => isCurrent(statusOf(row))).map(([room]) => room);
  }

  #fade(now: number): string[] {
    const former = [...this.#rows].filter(([, row]) => !isCurrent(statusOf(row)));
    former.sort(([a, left], [b, right]) => left.sinceMs - right.sinceMs || (a < b ? -1 : 1));
    const surplus = former.length - userLimits.formerRoomsMax;
    const gone = former.filter(([, row], index) => index < surplus || isFaded(row, now)).map(([room]) => room);
    for (const room of gone) this.#rows.delete(room);
    return gone;
  }
}

function statusOf(row: RoomRow): MemberStatus {
  return row.standing?.status ?? MemberStatus.MEMBER_STATUS_UNSPECIFIED;
}

function isFaded(row: RoomRow, now: number): boolean {
  return !isCurrent(statusOf(row)) && now - row.sinceMs > userLimits.formerRoomMs;
}
