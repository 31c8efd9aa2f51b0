// One room on this device: what is shown of it, and how the copy (room-copy.ts) is kept in step with the server.
// Guarantees: records are taken in order, each once, only when they continue what is held; members come from the chain alone.
import type { RoomEntry } from '#proto/gen/client.ts';
import type { MessageRef } from '#proto/gen/content.ts';
import { type Record as LogRecord, MemberStatus, type Slot } from '#proto/gen/record.ts';
import type { AlarmCode, TroubleCause } from '../alarms.ts';
import { type Beside, syncChain } from '../chain/room-control.ts';
import { unheardIn } from '../chain/room-identity.ts';
import { identityMark } from '../devices/known.ts';
import type { MemberInfo, RoomInfo, Unheard } from '../shown.ts';
import type { LocalChange } from '../store/store.ts';
import { begunSessionsGone } from '../store/store-ledger.ts';
import { isIn, isOut, mayBeIn, RoomCopy } from './room-copy.ts';
import { fetchThrough, type Marks, pullTo } from './room-fetch.ts';
import { retryRecords, seqOf, takeRecord } from './room-intake.ts';
import { slotNamed, slotText, takeSlot } from './room-slots.ts';

/** A room on this device, and how it is kept in step with the server. */
export class RoomReplica extends RoomCopy {
  /** The room as a list shows it. */
  info(): RoomInfo {
    const { local, chain } = this;
    const own = chain.state?.members.get(this.own);
    const joined = [...(chain.state?.members ?? [])].filter((one) => one.status === MemberStatus.MEMBER_STATUS_JOINED);
    const others = joined.filter(({ number }) => number !== own?.number);
    const members = others.map(({ number }) => chain.user(number));
    return {
      room: this.room,
      direct: this.direct,
      name: slotText(local.slots, 'name'),
      topic: slotText(local.slots, 'topic'),
      status: this.#status(),
      role: own?.role ?? local.invitedRole,
      members,
      memberNames: members.map((user) => this.ports.parts.profiles.info(user).name),
      unread: Math.max(0, Math.max(local.serverCount, local.head?.count ?? 0) - local.readCount),
      headSeq: Math.max(local.serverSeq, this.headSeq),
      lastMs: local.head?.acceptedMs ?? 0,
      invitedBy: local.invitedBy,
      invitedByBot: local.invitedByBot,
      invitedMs: local.invitedMs,
      bot: this.isWithBot,
      other: this.other,
      listed: this.listed,
      frozen: local.frozen as AlarmCode | '',
      unheard: (this.joined ? others : []).flatMap(({ number }) => {
        const why = this.#unheard(number);
        return why === '' ? [] : [{ user: chain.user(number), why }];
      }),
    };
  }

  /** All members by number. */
  members(): MemberInfo[] {
    return [...(this.chain.state?.members ?? [])].map(({ number, role, status }) => {
      const user = this.chain.user(number);
      const contradicts = this.local.contradicting.includes(number) || this.local.overruled.includes(number);
      const bot = this.chain.person(number)?.bot ?? false;
      const { people, profiles } = this.ports.parts;
      return {
        ...{ member: number, user, ...profiles.info(user), bot, role, status, contradicts },
        readSeq: this.receipts.get(number) ?? 0,
        identity: identityMark(people.get(user)),
        unheard: status === MemberStatus.MEMBER_STATUS_JOINED ? this.#unheard(number) : '',
      };
    });
  }

  #unheard(member: number): Unheard {
    const person = this.chain.person(member);
    return person ? unheardIn(this, person) : '';
  }

  /** Messages pinned here. */
  pins(): readonly MessageRef[] {
    const body = slotNamed(this.local.slots, 'pins')?.content?.body;
    return body?.$case === 'pins' ? body.value.messages : [];
  }

  /** What is held now: to judge an answer by that is asked for next. */
  marks(): Marks {
    return { seq: this.headSeq, control: this.chain.number, askedMs: this.ports.parts.now() };
  }

  /** Takes what the server's list says, and fetches what is missing. `marks` were taken before the list was asked for. Rejects as requests do. */
  async compare(entry: RoomEntry, marks: Marks): Promise<void> {
    return this.exclusive(async () => {
      const gone = await this.#stands(entry.status);
      this.#heed(entry);
      if (isIn(entry.status)) await pullTo(this, entry, marks);
      await this.ports.parts.store.write([this.row(), ...gone]);
      this.ports.changed();
    });
  }

  /** Takes pushed records; fetches what lies between. Rejects as requests do: then the rest is fetched later. */
  async push(records: readonly LogRecord[], beside: Beside): Promise<void> {
    return this.exclusive(async () => {
      if (this.chain.number === 0) await syncChain(this);
      for (const record of records) {
        const seq = seqOf(record);
        if (seq <= this.headSeq) continue;
        if (seq > this.headSeq + 1 && this.headSeq > 0) await fetchThrough(this, seq - 1);
        if (seq <= this.headSeq) continue;
        if (!(await takeRecord(this, record, beside))) return;
      }
      this.ports.changed();
    });
  }

  /** Brings the chain, and for a member the log, up to the server's head. Rejects as requests do. */
  async catchUp(): Promise<void> {
    return this.exclusive(async () => {
      await syncChain(this);
      if (this.joined) await fetchThrough(this, 0);
      this.ports.changed();
    });
  }

  /** Tries records again that could not be decrypted, where `test` holds for cause and session ('' = not known). */
  async retry(test: (cause: TroubleCause, session: string) => boolean): Promise<void> {
    return this.exclusive(() => retryRecords(this, test));
  }

  /** Takes a slot out of the room's state (a snapshot or a receipt). */
  async takeSlot(slot: Slot): Promise<void> {
    return this.exclusive(() => takeSlot(this, slot));
  }

  /** How this user stands here, as the own provider says between two looks at the list. */
  async stand(status: MemberStatus): Promise<void> {
    if (this.local.status === status) return;
    const gone = await this.#stands(status);
    await this.ports.parts.store.write([this.row(), ...gone]);
    this.ports.changed();
  }

  #status(): MemberStatus {
    const { local, chain } = this;
    const status = mayBeIn(local.status) ? chain.state?.members.get(this.own)?.status : undefined;
    // Derived here, too, as at the hub: who starts over reads, and waits to be let in.
    if (status === MemberStatus.MEMBER_STATUS_JOINED && this.identity === 'former')
      return MemberStatus.MEMBER_STATUS_SUSPENDED;
    return status ?? local.status;
  }

  /** Takes how this user stands here. What only somebody in the room needs goes with the room's row. */
  async #stands(status: MemberStatus): Promise<LocalChange[]> {
    const isNews = this.local.status !== status;
    this.local.status = status;
    return isNews && isOut(status) ? begunSessionsGone(this.ports.parts.store, this.room) : [];
  }

  #heed(entry: RoomEntry): void {
    const { local } = this;
    local.member = entry.member;
    local.direct = entry.direct;
    if (entry.status === MemberStatus.MEMBER_STATUS_INVITED) {
      local.invitedBy = entry.invitedBy;
      local.invitedByBot = entry.invitedByBot;
      local.invitedRole = entry.role;
      local.invitedMs = entry.invitedMs;
    }
    if (entry.headSeq === 0) return;
    local.readableFrom = entry.readableFrom;
    local.serverSeq = Math.max(local.serverSeq, entry.headSeq);
    local.serverCount = Math.max(local.serverCount, entry.headCount);
  }
}
