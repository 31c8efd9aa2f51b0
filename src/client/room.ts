// One room as this device holds it: a verified copy of chain and log, contiguous from `low` to the head, with what decrypted.
// Guarantees: records are taken in order, each once, only when they continue what is held; members come from the chain alone; what contradicts
// it freezes sending and raises an alarm. It takes in and keeps; sending is in sending.ts, older pages in history.ts.
import type { RoomEntry } from '#proto/gen/client.ts';
import { LocalRecord, LocalRoom } from '#proto/gen/local.ts';
import {
  ControlEntry,
  type ControlKind,
  type Credential,
  Emptying,
  EmptyingCause,
  EventHeader,
  EventKind,
  type Record as LogRecord,
  MemberStatus,
  type Person,
  Role,
  type Slot,
  SlotWrite,
  Stamp,
} from '#proto/gen/record.ts';
import { equalBytes, noBytes } from '#proto/rules/bytes.ts';
import { isJoined } from '#proto/rules/control-state.ts';
import { recordHash } from '#proto/rules/hash.ts';
import { type CheckedRecord, checkRecord, type LogHead } from '#proto/rules/record.ts';
import type { AlarmCode, MemberInfo, RoomInfo } from './api.ts';
import { Chain, removals } from './chain.ts';
import { type Opened, openEvent, openSlot } from './content.ts';
import type { Parts } from './parts.ts';
import { type LocalChange, orderedNumber, prefixRange } from './store.ts';
import { annotates, type Folding, foldRecord, messageId } from './timeline.ts';

const fetchPage = 200;
const firstPage = 50;

/** What came with records. */
export interface Beside {
  readonly persons: readonly Person[];
  readonly credentials: readonly Credential[];
}

/** What a room tells those around it. */
export interface RoomPorts {
  readonly parts: Parts;
  /** Members changed: sending may go on, or slots must be posted again for a newcomer. */
  readonly membersChanged: (
    room: RoomReplica,
    change: { readonly kind: ControlKind; readonly target: number; readonly live: boolean },
  ) => void;
  readonly changed: (room: RoomReplica) => void;
  /** An own record came back: the outbox forgets it. */
  readonly ownRecord: (room: RoomReplica, sendId: number) => void;
}

/** A room on this device. */
export class RoomReplica {
  readonly room: string;
  readonly ports: RoomPorts;
  readonly chain: Chain;
  local: LocalRoom;
  #work: Promise<unknown> = Promise.resolve();
  #receipts = new Map<number, number>();

  constructor(room: string, ports: RoomPorts) {
    this.room = room;
    this.ports = ports;
    this.chain = new Chain(room, ports.parts.primitives);
    this.local = LocalRoom.decode(new Uint8Array());
    this.local.room = room;
  }

  /** Reads what is kept of the room. */
  async load(row: Uint8Array): Promise<void> {
    this.local = LocalRoom.decode(row);
    const rows = await this.ports.parts.store.list('control', { ...prefixRange(`${this.room} `), limit: 100_000 });
    this.chain.restore(rows.map(({ value }) => value));
  }

  /** Runs work on this room alone: nothing else of the room is taken in meanwhile. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#work.then(work);
    this.#work = result.catch(() => {});
    return result;
  }

  get own(): number {
    return this.chain.memberOf(this.ports.parts.user) || this.local.member;
  }

  /** Is this user joined, as the chain says? */
  get joined(): boolean {
    return this.chain.state !== null && isJoined(this.chain.state, this.chain.memberOf(this.ports.parts.user));
  }

  get headSeq(): number {
    return this.local.head?.seq ?? 0;
  }

  /** What folding rows into lines needs. */
  get folding(): Folding {
    const { user, device } = this.ports.parts;
    return {
      room: this.room,
      user,
      device,
      person: (member) => this.chain.user(member),
      moderates: (member) => (this.chain.state?.members.get(member)?.role ?? 0) >= Role.ROLE_MODERATOR,
    };
  }

  /** The room as a list shows it. */
  info(): RoomInfo {
    const { local } = this;
    const own = this.chain.state?.members.get(this.own);
    const members = [...(this.chain.state?.members ?? [])].filter(
      (member) => member.status === MemberStatus.MEMBER_STATUS_JOINED,
    );
    return {
      room: this.room,
      direct: this.chain.state?.policy.direct ?? local.direct,
      name: this.slotText('name'),
      topic: this.slotText('topic'),
      status: own?.status ?? local.status,
      role: own?.role ?? Role.ROLE_UNSPECIFIED,
      members: members.filter((member) => member.number !== this.own).map((member) => this.chain.user(member.number)),
      unread: Math.max(0, Math.max(local.serverCount, local.head?.count ?? 0) - local.readCount),
      headSeq: Math.max(local.serverSeq, this.headSeq),
      invitedBy: local.invitedBy,
      invitedByBot: local.invitedByBot,
      frozen: local.frozen as AlarmCode | '',
    };
  }

  /** All members by number. */
  members(): MemberInfo[] {
    return [...(this.chain.state?.members ?? [])].map(({ number, role, status }) => {
      return { member: number, user: this.chain.user(number), role, status, readSeq: this.#receipts.get(number) ?? 0 };
    });
  }

  /** Decrypted text of a slot, or ''. */
  slotText(name: string): string {
    const body = this.slot(name)?.content?.body;
    return body?.$case === 'slotText' ? body.value.text : '';
  }

  /** A slot as kept, by name. */
  slot(name: string) {
    return this.local.slots.find((kept) => kept.slot && SlotWrite.decode(kept.slot.write).slot === name);
  }

  /** Version that a slot holds; 0 = empty. */
  slotVersion(name: string): number {
    const slot = this.slot(name)?.slot;
    return slot ? SlotWrite.decode(slot.write).version : 0;
  }

  /** Takes what the server's list says, and fetches what is missing. Rejects as requests do. */
  async compare(entry: RoomEntry): Promise<void> {
    return this.exclusive(async () => {
      const { local } = this;
      local.member = entry.member;
      local.direct = entry.direct;
      local.status = entry.status;
      local.invitedBy = entry.invitedBy;
      local.invitedByBot = entry.invitedByBot;
      local.readableFrom = entry.readableFrom;
      local.serverSeq = entry.headSeq;
      local.serverCount = entry.headCount;
      if (entry.status === MemberStatus.MEMBER_STATUS_JOINED || entry.headSeq > 0) await this.#pull(entry);
      await this.save();
      this.ports.changed(this);
    });
  }

  /** Takes pushed records; fetches what lies between. */
  async push(records: readonly LogRecord[], beside: Beside): Promise<void> {
    return this.exclusive(async () => {
      for (const record of records) {
        const { seq } = Stamp.decode(record.stamp);
        if (seq <= this.headSeq) continue;
        if (seq > this.headSeq + 1 && this.headSeq > 0) await this.#fetchThrough(seq - 1);
        if (!(await this.#accept(record, beside, true))) return;
      }
      this.ports.changed(this);
    });
  }

  /** Brings the chain, and for a member the log, up to the server's head. Rejects as requests do. */
  async catchUp(): Promise<void> {
    return this.exclusive(async () => {
      await this.#syncChain();
      if (this.joined) await this.#fetchThrough(0);
    });
  }

  /** Tries records again that could not be decrypted: `sessions` undefined = all. */
  async retry(sessions?: ReadonlySet<string>): Promise<void> {
    return this.exclusive(async () => {
      const { parts } = this.ports;
      const waiting = await parts.store.list('undecrypted', { ...prefixRange(`${this.room} `), limit: 100_000 });
      for (const { key, value } of waiting) {
        const session = new TextDecoder().decode(value);
        if (sessions && session !== '' && !sessions.has(session)) continue;
        const row = await parts.store.get('records', key);
        if (row) await this.#reopen(LocalRecord.decode(row));
      }
    });
  }

  /** Takes a slot out of the room's state (a snapshot or a receipt). */
  async takeSlot(slot: Slot): Promise<void> {
    const write = SlotWrite.decode(slot.write);
    if (write.slot.startsWith('receipt/')) return this.#takeReceipt(slot, write);
    return this.#takeOldSlot(slot, write);
  }

  /** Position of the own reading; moves forward only. */
  async read(seq: number, count: number): Promise<boolean> {
    if (seq <= this.local.readSeq) return false;
    this.local.readSeq = seq;
    this.local.readCount = Math.max(count, this.local.readCount);
    await this.save();
    this.ports.changed(this);
    return true;
  }

  /** Ends sending here and says why, once. */
  async freeze(code: AlarmCode): Promise<void> {
    this.ports.parts.alarm({ code, room: this.room });
    if (this.local.frozen !== '') return;
    this.local.frozen = code;
    await this.save();
    this.ports.changed(this);
  }

  /** Writes the room's row. */
  save(): Promise<void> {
    return this.ports.parts.store.write([this.row()]);
  }

  /** The room's row, to go with other changes. */
  row(): LocalChange {
    return { table: 'rooms', key: this.room, value: LocalRoom.encode(this.local).finish() };
  }

  /** The line of a record of this room, with its annotations. */
  async line(record: LocalRecord) {
    const header = EventHeader.decode(record.record?.header ?? noBytes);
    const id = messageId(header);
    const rows = header.counts
      ? await this.ports.parts.store.list('annotations', prefixRange(`${this.room} ${id} `))
      : [];
    return foldRecord(
      record,
      rows.map(({ value }) => LocalRecord.decode(value)),
      this.folding,
    );
  }

  async #pull(entry: RoomEntry): Promise<void> {
    if ((entry.control?.number ?? 0) > this.chain.number || this.chain.number === 0) await this.#syncChain();
    else if (entry.control) await this.#compareChain(entry.control.number, entry.control.hash);
    if (entry.headSeq < this.headSeq && this.headSeq > 0) {
      // A head that went back: what this device holds was acknowledged once.
      await this.freeze('HISTORY_FORKED');
      return;
    }
    if (entry.headSeq === this.headSeq) {
      if (this.local.head && entry.headSeq > 0 && !equalBytes(entry.headHash, this.local.head.hash))
        await this.freeze('HISTORY_FORKED');
      return;
    }
    await this.#fetchThrough(entry.headSeq);
  }

  async #compareChain(number: number, hash: Uint8Array): Promise<void> {
    const own = this.chain.hashAt(number);
    if (number < this.chain.number || (own && !equalBytes(own, hash))) await this.freeze('CONTROL_ROLLED_BACK');
  }

  /** Reads the control entries that are not here. */
  async #syncChain(): Promise<void> {
    const { parts } = this.ports;
    for (let next = this.chain.number + 1; next > 0; ) {
      const read = { room: this.room, fromControl: next, slots: false, stateOffset: 0, afterSlot: '' };
      const snapshot = await parts.request({ $case: 'readRoom', value: read }, 'roomSnapshot');
      await this.#meet(snapshot.persons);
      const changes: LocalChange[] = [];
      for (const { seq, entry } of snapshot.control) {
        if (entry && !(await this.#takeControl({ seq, entry, ...snapshot }, false, changes))) return;
      }
      if (changes.length > 0) await parts.store.write([...changes, this.row()]);
      const head = snapshot.head ?? { number: 0, hash: noBytes };
      if (snapshot.next > 0 && snapshot.control.length > 0) next = this.chain.number + 1;
      else {
        await this.#compareChain(head.number, head.hash);
        return;
      }
    }
  }

  /** Records after the head, up to `through` (0 = the server's head). The first fetch of a room takes the newest page only. */
  async #fetchThrough(through: number): Promise<void> {
    const { parts } = this.ports;
    if (this.headSeq === 0) {
      const fetch = { room: this.room, fromSeq: 0, throughSeq: 0, limit: firstPage, newestFirst: true };
      const page = await parts.request({ $case: 'fetchRecords', value: fetch }, 'recordPage');
      for (const record of [...page.records].sort((a, b) => Stamp.decode(a.stamp).seq - Stamp.decode(b.stamp).seq)) {
        if (!(await this.#accept(record, { persons: [], credentials: [] }, false))) return;
      }
      return;
    }
    while (through === 0 || this.headSeq < through) {
      const fetch = {
        room: this.room,
        fromSeq: this.headSeq + 1,
        throughSeq: through,
        limit: fetchPage,
        newestFirst: false,
      };
      const page = await parts.request({ $case: 'fetchRecords', value: fetch }, 'recordPage');
      const before = this.headSeq;
      for (const record of page.records) {
        if (Stamp.decode(record.stamp).seq <= this.headSeq) continue;
        if (!(await this.#accept(record, { persons: [], credentials: [] }, false))) return;
      }
      if (page.nextSeq === 0 || this.headSeq === before) return;
    }
  }

  /** Takes the next record. False = it contradicts what is held: nothing more is taken. */
  async #accept(record: LogRecord, beside: Beside, live: boolean): Promise<boolean> {
    const { parts } = this.ports;
    const previous: LogHead | null = this.local.head && this.headSeq > 0 ? this.local.head : null;
    const checked = checkRecord(record, previous, { room: this.room, primitives: parts.primitives });
    if (typeof checked === 'string') {
      await this.freeze(checked === 'FORK' || checked === 'GAP' ? 'HISTORY_FORKED' : 'RECORD_INVALID');
      return false;
    }
    const changes: LocalChange[] = [];
    const { header, stamp } = checked;
    if (header.kind === EventKind.EVENT_KIND_CONTROL) {
      await this.#meet(beside.persons);
      const taken = await this.#takeControl(
        { seq: stamp.seq, entry: ControlEntry.decode(record.body), ...beside },
        live,
        changes,
      );
      if (!taken) return false;
    }
    const kept = await this.open(record, checked);
    this.local.head = checked.head;
    if (this.local.lowSeq === 0) {
      this.local.lowSeq = stamp.seq;
      this.local.beforeLowHash = stamp.previousHash;
    }
    this.local.serverSeq = Math.max(this.local.serverSeq, stamp.seq);
    this.local.serverCount = Math.max(this.local.serverCount, stamp.count);
    const sender = this.chain.user(header.member);
    if (sender === parts.user && header.counts && stamp.seq > this.local.readSeq) {
      // Whoever writes has read what came before, on whichever device.
      this.local.readSeq = stamp.seq;
      this.local.readCount = stamp.count;
    }
    if (header.kind === EventKind.EVENT_KIND_SLOT) this.#setSlot(record, header, kept, stamp.seq);
    changes.push(...this.rowsOf(kept, header, stamp.seq), this.row());
    await parts.store.write(changes);
    if (header.kind === EventKind.EVENT_KIND_EMPTYING) await this.#empty(record, header, stamp.seq);
    if (sender === parts.user && header.device === parts.device) this.ports.ownRecord(this, header.sendId);
    await this.tell(kept, header);
    return true;
  }

  /** Opens a record: decrypts, checks binding and the author's view of chain and log. */
  async open(record: LogRecord, checked: CheckedRecord): Promise<LocalRecord> {
    const { header, stamp } = checked;
    const kept: LocalRecord = { record, content: undefined, trouble: '', tries: 1 };
    const encrypted = header.kind === EventKind.EVENT_KIND_CONTENT || header.kind === EventKind.EVENT_KIND_SLOT;
    if (!encrypted || record.emptiedBy > 0) return kept;
    const sender = this.chain.user(header.member);
    if (sender === '') return { ...kept, trouble: 'UNKNOWN_DEVICE' };
    const opened = await openEvent(this.ports.parts, { header, body: record.body, sender, stamp });
    return this.#judge(kept, opened);
  }

  /** Rows that keep a record: itself, its id or its annotation, and whether it must be tried again. */
  rowsOf(kept: LocalRecord, header: EventHeader, seq: number): LocalChange[] {
    const key = `${this.room} ${orderedNumber(seq)}`;
    const value = LocalRecord.encode(kept).finish();
    const rows: LocalChange[] = [{ table: 'records', key, value }];
    const target = annotates(kept.content);
    if (target)
      rows.push({ table: 'annotations', key: `${this.room} ${messageId(target)} ${orderedNumber(seq)}`, value });
    if (header.kind === EventKind.EVENT_KIND_CONTENT) {
      rows.push({
        table: 'ids',
        key: `${this.room} ${messageId(header)}`,
        value: new TextEncoder().encode(String(seq)),
      });
    }
    return rows;
  }

  /** The record that a message id names, if it is here. */
  async byId(id: string): Promise<LocalRecord | undefined> {
    const { store } = this.ports.parts;
    const seq = await store.get('ids', `${this.room} ${id}`);
    const row =
      seq && (await store.get('records', `${this.room} ${orderedNumber(Number(new TextDecoder().decode(seq)))}`));
    return row && LocalRecord.decode(row);
  }

  /** Seqs of a message and of its author's edits, ascending. */
  async seqsOf(id: string): Promise<number[]> {
    const row = await this.byId(id);
    if (!row?.record) return [];
    const author = EventHeader.decode(row.record.header).member;
    const annotations = await this.ports.parts.store.list('annotations', prefixRange(`${this.room} ${id} `));
    const edits = annotations
      .map(({ value }) => LocalRecord.decode(value))
      .filter(
        ({ record, content }) =>
          record && content?.body?.$case === 'edit' && EventHeader.decode(record.header).member === author,
      );
    return [row, ...edits].map(({ record }) => Stamp.decode(record?.stamp ?? noBytes).seq).sort((a, b) => a - b);
  }

  /** Seq and running count of a record that is held: a read position. */
  async positionAt(seq: number): Promise<{ seq: number; count: number } | undefined> {
    const row = await this.ports.parts.store.get('records', `${this.room} ${orderedNumber(seq)}`);
    const { record } = row ? LocalRecord.decode(row) : { record: undefined };
    return record && { seq, count: Stamp.decode(record.stamp).count };
  }

  /** Tells the line that a record makes or changes. */
  async tell(kept: LocalRecord, header: EventHeader): Promise<void> {
    const target = annotates(kept.content);
    const shown = target ? await this.byId(messageId(target)) : kept;
    const item = shown && (await this.line(shown));
    if (item) this.ports.parts.emit('item', item);
    else if (header.counts && kept.trouble === '') this.ports.parts.count('line.none');
  }

  async #judge(kept: LocalRecord, opened: Opened): Promise<LocalRecord> {
    const { parts } = this.ports;
    if ('trouble' in opened) {
      parts.count(`trouble.${opened.trouble}`);
      if (opened.alarm) await this.freezeless(opened.alarm);
      const { seq } = Stamp.decode(kept.record?.stamp ?? noBytes);
      const session = new TextEncoder().encode(opened.sessionId ?? '');
      await parts.store.write([{ table: 'undecrypted', key: `${this.room} ${orderedNumber(seq)}`, value: session }]);
      return { ...kept, trouble: opened.trouble };
    }
    const { inner, content } = opened;
    if (inner.control) await this.#compareView(inner.control.number, inner.control.hash);
    if (inner.seen && inner.seen.seq > 0) await this.#compareSeen(inner.seen.seq, inner.seen.hash);
    return { ...kept, content };
  }

  /** One bad message is not shown; the room goes on. */
  async freezeless(code: AlarmCode): Promise<void> {
    this.ports.parts.alarm({ code, room: this.room });
  }

  /** The author knew this control entry: this device must have the same one, or get it. */
  async #compareView(number: number, hash: Uint8Array): Promise<void> {
    if (number > this.chain.number) await this.#syncChain();
    const own = this.chain.hashAt(number);
    if (!own) await this.freeze('CONTROL_WITHHELD');
    else if (!equalBytes(own, hash)) await this.freeze('CONTROL_ROLLED_BACK');
  }

  /** The author had this record at that place: so must this device, where it holds the place. */
  async #compareSeen(seq: number, hash: Uint8Array): Promise<void> {
    if (seq > this.headSeq || seq < this.local.lowSeq) return;
    const { store, primitives } = this.ports.parts;
    const row = await store.get('records', `${this.room} ${orderedNumber(seq)}`);
    const { record } = row ? LocalRecord.decode(row) : { record: undefined };
    if (record && !equalBytes(recordHash(record.stamp, record.header, primitives), hash))
      await this.freeze('HISTORY_FORKED');
  }

  async #takeControl(
    link: { seq: number; entry: ControlEntry } & Beside,
    live: boolean,
    changes: LocalChange[],
  ): Promise<boolean> {
    let taken = this.chain.take(link);
    if (taken.result === 'missing' || (taken.result === 'invalid' && taken.fault.startsWith('MISSING_'))) {
      // Persons or entries did not come along: the snapshot has them.
      if (live || changes.length === 0) await this.#syncChainOnce();
      taken = this.chain.take(link);
    }
    if (taken.result === 'known') return true;
    if (taken.result !== 'applied') {
      await this.freeze(
        taken.result === 'invalid' && taken.fault === 'REWRITTEN' ? 'CONTROL_ROLLED_BACK' : 'CONTROL_INVALID',
      );
      return false;
    }
    changes.push(...taken.changes);
    const { engine } = this.ports.parts;
    if (removals.has(taken.kind)) await engine.rotate(this.room);
    this.ports.membersChanged(this, { kind: taken.kind, target: taken.target, live });
    return true;
  }

  #syncing = false;
  async #syncChainOnce(): Promise<void> {
    if (this.#syncing) return;
    this.#syncing = true;
    await this.#syncChain().finally(() => {
      this.#syncing = false;
    });
  }

  /** People who appear in the chain: their manifests are fetched before keys are shared with them. */
  async #meet(persons: readonly Person[]): Promise<void> {
    const { people } = this.ports.parts;
    const strangers = persons.filter((person) => !people.get(person.user)).map((person) => person.user);
    if (strangers.length > 0)
      await people.refresh(strangers, this.room).catch(() => this.ports.parts.count('people.later'));
  }

  #setSlot(record: LogRecord, header: EventHeader, kept: LocalRecord, seq: number): void {
    const { slot: name } = SlotWrite.decode(record.body);
    const { member, device, sendId } = header;
    const slot: Slot = { write: record.body, member, device, seq, sendId };
    const others = this.local.slots.filter((one) => one.slot && SlotWrite.decode(one.slot.write).slot !== name);
    this.local.slots = [...others, { slot, content: kept.content }];
  }

  async #empty(record: LogRecord, header: EventHeader, seq: number): Promise<void> {
    const { store } = this.ports.parts;
    const emptying = Emptying.decode(record.body);
    for (const target of emptying.seqs) {
      const key = `${this.room} ${orderedNumber(target)}`;
      const row = await store.get('records', key);
      if (!row) continue;
      const old = LocalRecord.decode(row);
      const author = EventHeader.decode(old.record?.header ?? noBytes);
      if (!this.#mayEmpty(emptying.cause, header.member, author.member)) {
        await this.freeze('EMPTIED_UNLAWFULLY');
        return;
      }
      const emptied = {
        ...old,
        content: undefined,
        trouble: '',
        record: { ...(old.record as LogRecord), body: noBytes, emptiedBy: seq },
      };
      await store.write([...this.rowsOf(emptied, author, target), { table: 'undecrypted', key, value: undefined }]);
      const item = await this.line(emptied);
      if (item) this.ports.parts.emit('item', item);
    }
  }

  #mayEmpty(cause: EmptyingCause, actor: number, author: number): boolean {
    if (cause === EmptyingCause.EMPTYING_CAUSE_AUTHOR) return actor === author;
    if (cause !== EmptyingCause.EMPTYING_CAUSE_MODERATOR) return actor === author;
    const role = (member: number) => this.chain.state?.members.get(member)?.role ?? 0;
    return role(actor) >= Role.ROLE_MODERATOR && role(actor) > role(author);
  }

  async #reopen(old: LocalRecord): Promise<void> {
    const { record } = old;
    if (!record || old.trouble === '') return;
    const checked = checkRecord(record, null, { room: this.room, primitives: this.ports.parts.primitives });
    if (typeof checked === 'string') return;
    const kept = { ...(await this.open(record, checked)), tries: old.tries + 1 };
    const { seq } = checked.stamp;
    if (kept.trouble !== '') return this.ports.parts.store.write(this.rowsOf(kept, checked.header, seq));
    this.ports.parts.count(`repaired.${old.trouble}`);
    if (checked.header.kind === EventKind.EVENT_KIND_SLOT) this.#repairSlot(kept, seq);
    await this.ports.parts.store.write([
      ...this.rowsOf(kept, checked.header, seq),
      { table: 'undecrypted', key: `${this.room} ${orderedNumber(seq)}`, value: undefined },
      this.row(),
    ]);
    await this.tell(kept, checked.header);
    this.ports.changed(this);
  }

  #repairSlot(kept: LocalRecord, seq: number): void {
    this.local.slots = this.local.slots.map((one) => (one.slot?.seq === seq ? { ...one, content: kept.content } : one));
  }

  async #takeReceipt(slot: Slot, write: SlotWrite): Promise<void> {
    const { parts } = this.ports;
    const sender = this.chain.user(slot.member);
    if (write.slot !== `receipt/${slot.member}`) return;
    const body = (await openSlot(parts, this.room, slot, sender))?.body;
    if (body?.$case !== 'read' || body.value.seq <= (this.#receipts.get(slot.member) ?? 0)) return;
    this.#receipts.set(slot.member, body.value.seq);
    parts.emit('receipt', { room: this.room, user: sender, seq: body.value.seq });
  }

  /** A slot set before the records that this device holds. */
  async #takeOldSlot(slot: Slot, write: SlotWrite): Promise<void> {
    const held = this.slot(write.slot);
    if (held?.slot && (held.slot.seq > slot.seq || held.content)) return;
    const content = await openSlot(this.ports.parts, this.room, slot, this.chain.user(slot.member));
    const others = this.local.slots.filter((one) => one.slot && SlotWrite.decode(one.slot.write).slot !== write.slot);
    this.local.slots = [...others, { slot, content }];
    await this.save();
    this.ports.changed(this);
  }
}
