// What must hold when all is over and everybody had time to catch up: the devices' copies and what they were told, held against the final logs.
import { type Emptying, EventKind, type InboxEntry, MemberStatus, SlotWrite } from '#proto/gen/record.ts';
import { toHex } from '#proto/rules/bytes/base.ts';
import { equalBytes, utf8Text } from '#proto/rules/bytes/bytes.ts';
import { hashState } from '#proto/rules/control/state.ts';
import { mayEmptyRow } from '#proto/rules/record/emptying.ts';
import { readableRanges } from '#proto/rules/record/reading.ts';
import type { Device } from '../client/device.ts';
import { simPrimitives } from '../primitives.ts';
import type { Ack, Witness } from '../witness.ts';
import type { FinalRoom } from './final-log.ts';

/** Accepted events are where their senders were told, once, and in the order in which people acted. */
export function checkAcks(final: FinalRoom, witness: Witness): void {
  const wrong = (what: string) => witness.wrong(`${final.room}: ${what}`);
  const acks = witness.acks.filter(({ room }) => room === final.room);
  for (const { seq, hash, label } of acks) {
    const record = final.records[seq - 1];
    if (record === undefined) wrong(`${label} was accepted at ${seq}, and the log ends at ${final.records.length}`);
    else if (record.hash !== hash) wrong(`${label} was accepted at ${seq}, where something else is`);
  }
  checkOrder(acks, wrong);
  const ids = new Set<string>();
  const labels = new Set<string>();
  for (const { header, record } of final.records) {
    const id = `${header.member}/${header.device}/${header.sendId}`;
    if (ids.has(id)) wrong(`send id ${id} is there twice`);
    ids.add(id);
    if (header.kind !== EventKind.EVENT_KIND_CONTENT || record.emptiedBy !== 0) continue;
    const label = utf8Text(record.body) ?? '';
    if (labels.has(label)) wrong(`${label} is there twice`);
    labels.add(label);
  }
  for (const { room, member, device, sendId } of witness.refused) {
    if (room !== final.room || !ids.has(`${member}/${device}/${sendId}`)) continue;
    wrong(`send id ${member}/${device}/${sendId} was refused for sure, and is there`);
  }
}

/** If one was accepted before the other was sent, it comes first. */
function checkOrder(acks: readonly Ack[], wrong: (what: string) => void): void {
  const byAck = [...acks].sort((a, b) => a.ackedAt - b.ackedAt);
  const bySent = [...acks].sort((a, b) => a.sentAt - b.sentAt);
  let highest: Ack | null = null;
  let at = 0;
  for (const sent of bySent) {
    for (let next = byAck[at]; next !== undefined && next.ackedAt < sent.sentAt; next = byAck[++at]) {
      if (highest === null || next.seq > highest.seq) highest = next;
    }
    if (highest !== null && highest.seq >= sent.seq) {
      wrong(
        `${highest.label} was accepted before ${sent.label} was sent, but got ${highest.seq} and not below ${sent.seq}`,
      );
    }
  }
}

/** Bodies that were taken back are gone, and no others. */
export function checkEmptied(final: FinalRoom, witness: Witness): void {
  const taken = takenBack(final);
  for (const { seq, record } of final.records) {
    const by = taken.get(seq) ?? 0;
    if ((record.emptiedBy !== 0) !== (by !== 0)) {
      witness.wrong(`${final.room}: record ${seq} is emptied by ${record.emptiedBy}, and should be by ${by}`);
    }
  }
}

/** Bodies that were taken back by what was accepted are gone already. */
export function checkGone(final: FinalRoom, witness: Witness): void {
  const accepted = acceptedIn(final, witness);
  for (const [seq, by] of takenBack(final)) {
    if (accepted.has(by) && final.records[seq - 1]?.record.emptiedBy === 0)
      witness.wrong(`${final.room}: record ${seq} is not emptied yet, as ${by} asks`);
  }
}

/** Which records are to be emptied, and by which event. */
function takenBack(final: FinalRoom): Map<number, number> {
  const taken = new Map<number, number>();
  for (const { seq, emptying, header: actor, acceptedMs } of final.records) {
    for (const named of emptying === null ? [] : namedBy(emptying)) {
      const row = final.records[named - 1];
      if (row === undefined || final.chain === null || emptying === null) continue;
      const allowed = mayEmptyRow(
        emptying,
        { seq: named, header: row.header },
        { state: final.chain, actor, acceptedMs },
      );
      if (allowed && !taken.has(named)) taken.set(named, seq);
    }
  }
  return taken;
}

/** The seqs of a list, or of a range. */
function namedBy({ seqs, fromSeq, throughSeq }: Emptying): readonly number[] {
  return seqs.length > 0 ? seqs : Array.from({ length: throughSeq - fromSeq + 1 }, (_, index) => fromSeq + index);
}

function acceptedIn({ room }: FinalRoom, { acks }: Witness): ReadonlySet<number> {
  return new Set(acks.filter((ack) => ack.room === room).map(({ seq }) => seq));
}

/** What a device shows is what it may read: nothing else, nothing twice, and if it is in, all of it. */
export function checkCopy(
  device: Device,
  final: FinalRoom,
  { witness, isGone }: { readonly witness: Witness; readonly isGone: (user: string) => boolean },
): void {
  const wrong = (what: string) => witness.wrong(`${device.name} in ${final.room}: ${what}`);
  const copy = device.rooms.get(final.room);
  const self = [...(final.chain?.members ?? [])].find(({ person }) => final.roll.person(person)?.user === device.user);
  const ranges = self === undefined ? [] : readableRanges(self.stays, 1, final.records.length);
  const mayRead = ranges.flatMap(({ from, through }) => Array.from({ length: through - from + 1 }, (_, n) => from + n));
  const allowed = new Set(mayRead);
  let last = 0;
  for (const { seq, hash } of copy?.shown ?? []) {
    if (seq <= last) wrong(`shows ${seq} after ${last}`);
    last = seq;
    if (final.records[seq - 1]?.hash !== hash) wrong(`shows ${seq}, which is not in the log like that`);
    if (!allowed.has(seq)) wrong(`shows ${seq}, which it may not read`);
  }
  if (self?.status !== MemberStatus.MEMBER_STATUS_JOINED) return;
  const shown = new Set(copy?.shown.map(({ seq }) => seq));
  const missing = mayRead.filter((seq) => !shown.has(seq));
  if (missing.length > 0) wrong(`does not show ${missing.join(', ')} of ${final.records.length}`);
  const chain = device.chains.get(final.room)?.state ?? null;
  if (chain === null || final.chain === null) wrong('knows no control state');
  else if (!equalBytes(hashState(chain, simPrimitives), hashState(final.chain, simPrimitives))) {
    wrong(`stands at control entry ${chain.number}, the room at ${final.chain.number}`);
  }
  for (const member of final.chain?.members ?? []) {
    const user = final.roll.person(member.person)?.user ?? '';
    if (!isGone(user) && device.chains.get(final.room)?.userOf(member) !== user) wrong(`does not know who ${user} is`);
  }
}

/** The newest versions of slots are those of the log, and receipts that were answered are kept. */
export function checkSlots(device: Device, final: FinalRoom, witness: Witness): void {
  const chain = device.chains.get(final.room);
  if (chain?.isJoined !== true) return;
  const held = new Map(chain.slots.map((slot) => [SlotWrite.decode(slot.write).slot, SlotWrite.decode(slot.write)]));
  const newest = new Map<string, { version: number; seq: number }>();
  let emptiedSeq = 0;
  for (const { header, record, seq } of final.records) {
    if (header.kind !== EventKind.EVENT_KIND_SLOT) continue;
    // Its body would say which slot it was; stories write one.
    if (record.emptiedBy !== 0) {
      emptiedSeq = seq;
      continue;
    }
    const { slot, version } = SlotWrite.decode(record.body);
    newest.set(slot, { version, seq });
  }
  for (const [slot, { version, seq }] of newest) {
    // A newest value that was emptied leaves none: the one before does not come back.
    const expected = seq > emptiedSeq ? version : 0;
    const found = held.get(slot)?.version ?? 0;
    if (found !== expected)
      witness.wrong(`${device.name} finds slot ${slot} of ${final.room} at ${found}, not ${expected}`);
  }
  for (const [key, version] of witness.receipts) {
    const [room, member] = key.split(' ');
    if (room !== final.room) continue;
    const found = held.get(`receipt/${member}`)?.version ?? 0;
    if (found < version) witness.wrong(`the receipt ${key} was kept at ${version} and is at ${found}`);
  }
}

/** Every user knows how they stand in every room. */
export function checkStandings(device: Device, final: FinalRoom, witness: Witness): void {
  for (const member of final.chain?.members ?? []) {
    if (final.roll.person(member.person)?.user !== device.user) continue;
    const listed = device.statuses.get(final.room);
    if (listed !== member.status) {
      witness.wrong(`${device.name} is listed in ${final.room} as ${listed}, and stands as ${member.status}`);
    }
  }
}

/** Every member's own log holds how they stand by what was accepted; who had no account when they were told keeps nothing. */
export function checkTold(final: FinalRoom, logs: ReadonlyMap<string, readonly InboxEntry[]>, witness: Witness): void {
  const { room, records, chain, roll } = final;
  const controls = records.filter(({ control }) => control !== null);
  const accepted = acceptedIn(final, witness);
  for (const { person, changed, status } of chain?.members ?? []) {
    if (!accepted.has(controls[changed - 1]?.seq ?? 0)) continue;
    const user = roll.person(person)?.user ?? '';
    const entries = logs.get(user) ?? [];
    const heard = entries.some(
      ({ body }) => body?.$case === 'standing' && body.value.room === room && body.value.controlNumber >= changed,
    );
    if (!heard && entries.length > 0) witness.wrong(`${user} was not told that they stand as ${status} in ${room}`);
  }
}

/** Device messages that were reported as stored are there, once, and every device got what is for it, or was told to sync in full. */
export function checkInbox(
  user: string,
  given: { entries: readonly InboxEntry[]; devices: readonly Device[]; witness: Witness },
): void {
  const { entries, devices, witness } = given;
  const stored = new Map<string, number>();
  for (const { body } of entries) {
    if (body?.$case !== 'deviceMessage') continue;
    const { sender, senderDevice, id } = body.value;
    const key = `${sender}/${senderDevice} ${toHex(id)}`;
    stored.set(key, (stored.get(key) ?? 0) + 1);
  }
  for (const [key, count] of stored)
    if (count > 1) witness.wrong(`${user} has the device message ${key} ${count} times`);
  for (const each of witness.delivered) {
    const key = `${each.sender}/${each.senderDevice} ${each.id}`;
    if (each.user === user && !stored.has(key)) witness.wrong(`${user} lost the device message ${key}`);
  }
  for (const device of devices) {
    const born = entries.find(({ body }) => body?.$case === 'deviceChanged' && body.value.device === device.number);
    if (born === undefined || device.inbox.needsFullSync) continue;
    const missing = entries.filter(
      (entry) => entry.seq > born.seq && isFor(entry, device) && !device.inbox.seen.has(entry.seq),
    );
    for (const { seq, body } of missing) witness.wrong(`${device.name} never got inbox entry ${seq}, ${body?.$case}`);
  }
}

function isFor({ device: to, body }: InboxEntry, device: Device): boolean {
  if (body?.$case === 'standing') return true;
  if (body?.$case !== 'deviceMessage') return false;
  const own = body.value.sender === device.user && body.value.senderDevice === device.number;
  return to === device.number || (to === 0 && !own);
}

/** Nothing is left undone. */
export function checkDone(device: Device, witness: Witness): void {
  if (!device.conversation.live) witness.wrong(`${device.name} is not connected in the end`);
  for (const label of device.outbox.waiting) witness.wrong(`${device.name} never got an answer for good to ${label}`);
  if (device.conversation.open > 0) witness.wrong(`${device.name} waits for ${device.conversation.open} answers`);
  if (!device.inbox.complete && !device.inbox.needsFullSync) witness.wrong(`${device.name} has not read its inbox`);
}
