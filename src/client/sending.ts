// Writing into a room: the receivers of keys, sealing under fresh send ids, and signed control entries with the retry that a chain needs.
// Keys go to the devices in the newest manifests of members that the chain calls joined, and to nobody else.
import { Rejection } from '#proto/gen/codes.ts';
import type { LocalSend } from '#proto/gen/local.ts';
import { type Event, EventKind, MemberStatus, type Person } from '#proto/gen/record.ts';
import { zeroHash } from '#proto/rules/bytes.ts';
import { controlHead } from '#proto/rules/control-state.ts';
import { controlHash } from '#proto/rules/hash.ts';
import { groupRoomId } from '#proto/rules/ids.ts';
import { manifestHead } from '#proto/rules/manifest.ts';
import { plainEvent, type SealingPlace, sealEvent } from './content.ts';
import { type Author, controlBytes, type SignedControl, type Statement, signControl } from './control-author.ts';
import type { Recipient } from './crypto/engine.ts';
import { ClientError, isRejection, isRetryable, rejectionName } from './errors.ts';
import type { SendingRoom } from './outbox.ts';
import type { Parts } from './parts.ts';
import type { RoomReplica } from './room.ts';

const signingTries = 8;

/** The writing side of a room. */
export class RoomSender implements SendingRoom {
  readonly room: string;
  #replica: RoomReplica;
  #recipients: { chain: number; people: number; list: readonly Recipient[] } | undefined;

  constructor(replica: RoomReplica) {
    this.room = replica.room;
    this.#replica = replica;
  }

  /** See SendingRoom. In a 1:1 room messages wait until the other person has accepted. */
  maySend(): boolean {
    const { chain, local, ports } = this.#replica;
    if (!chain.state || local.frozen !== '' || !ports.parts.confirmed() || !this.#replica.joined) return false;
    return !chain.state.policy.direct || chain.state.joined === 2;
  }

  /** Encrypts a waiting message. */
  seal(send: LocalSend, row: (sealed: LocalSend) => { key: string; value: Uint8Array }): Promise<LocalSend> {
    return this.#replica.exclusive(async () => {
      const sendId = this.#replica.local.lastSendId + 1;
      const place = this.place(sendId);
      const event = await this.#event(send, place);
      const sealed: LocalSend = { ...send, sendId, event };
      this.#replica.local.lastSendId = sendId;
      // Id and ciphertext become durable together: after a crash the same bytes go out under the same id.
      await this.#replica.ports.parts.store.write([{ table: 'outbox', ...row(sealed) }, this.#replica.row()]);
      return sealed;
    });
  }

  catchUp(): Promise<void> {
    return this.#replica.catchUp();
  }

  async holds(sendId: number): Promise<boolean> {
    return (
      (await this.#replica.byId(`${this.#replica.own}.${this.#replica.ports.parts.device}.${sendId}`)) !== undefined
    );
  }

  /** Where something sealed now stands. */
  place(sendId: number, member = this.#replica.own): SealingPlace {
    const { chain, local, ports } = this.#replica;
    const self = ports.parts.people.get(ports.parts.user);
    return {
      room: this.room,
      member,
      sendId,
      control: controlHead(chain.state),
      seen: { seq: local.head?.seq ?? 0, hash: local.head?.hash ?? zeroHash },
      manifest: manifestHead(self?.manifest ?? null),
      recipients: this.#receivers(),
    };
  }

  /** Signs an entry that `make` derives from the present chain, and submits it; signs anew while others are quicker. */
  async control(make: (replica: RoomReplica) => Statement): Promise<void> {
    for (let attempt = 0; attempt < signingTries; attempt++) {
      const signed = await this.#sign(make(this.#replica));
      try {
        await this.#submit(signed);
        return;
      } catch (error) {
        if (!mayPassAnew(error)) throw error;
        if (isBusy(error)) await pause((error as ClientError).retryAfterMs || 200, this.#replica.ports.parts.random());
        await this.#replica.catchUp();
      }
    }
    throw new ClientError('TIMEOUT', 'The room changes too quickly just now. Try again.');
  }

  async #sign(statement: Statement): Promise<SignedControl> {
    const { chain, ports, local } = this.#replica;
    if (local.frozen !== '') throw new ClientError('UNTRUSTED', `Sending here is frozen: ${local.frozen}.`);
    const { state } = chain;
    const place = {
      room: this.room,
      number: (state?.number ?? 0) + 1,
      previousHash: state?.hash ?? zeroHash,
      actor: this.#replica.own || (state?.members.size ?? 0) + 1,
    };
    return signControl(author(ports.parts), place, statement);
  }

  async #submit(signed: SignedControl): Promise<void> {
    const parts = this.#replica.ports.parts;
    const event = await this.#replica.exclusive(async () => {
      const sendId = this.#replica.local.lastSendId + 1;
      this.#replica.local.lastSendId = sendId;
      await this.#replica.save();
      return controlEvent(parts, this.place(sendId, signed.credential.member), signed);
    });
    await submitControl(parts, this.room, event, signed);
    // It is done; whoever just left may be told nothing more.
    await this.#replica.catchUp().catch((error) => {
      if (!(error instanceof ClientError)) throw error;
      parts.count(`later.${error.code}`);
    });
  }

  async #event(send: LocalSend, place: SealingPlace): Promise<Event> {
    const { parts } = this.#replica.ports;
    if (send.kind === EventKind.EVENT_KIND_EMPTYING) return plainEvent(parts, place, send.kind, send.plainBody);
    if (!send.content) throw new ClientError('BAD_ARGUMENT', 'A message without content.');
    return sealEvent(parts, place, { ...send, content: send.content });
  }

  #receivers(): readonly Recipient[] {
    const { chain, ports } = this.#replica;
    const { people } = ports.parts;
    const known = this.#recipients;
    if (known && known.chain === chain.number && known.people === people.version) return known.list;
    const list: Recipient[] = [];
    for (const member of chain.state?.members ?? []) {
      if (member.status !== MemberStatus.MEMBER_STATUS_JOINED) continue;
      const person = chain.roll.person(member.person);
      const recipient = person && people.recipient(person.user, person.fingerprint);
      if (recipient) list.push(recipient);
    }
    this.#recipients = { chain: chain.number, people: people.version, list };
    return list;
  }
}

/** Makes a room known to this device before its genesis goes out. */
export type HoldRoom = (room: string) => RoomReplica;

/** Signs and submits the genesis of a group. The new room's id. */
export async function createGroupRoom(
  parts: Parts,
  self: Person,
  statement: Statement,
  hold: HoldRoom,
): Promise<string> {
  const signed = await signControl(author(parts), genesisPlace(''), { ...statement, person: self });
  const room = groupRoomId(controlHash(signed.entry.signed, parts.primitives), statement.hub?.provider ?? '');
  await submitGenesis(hold(room), signed, '');
  return room;
}

/** Signs and submits the genesis of a 1:1 room. Rejects with REJECTED ROOM_EXISTS where the other was quicker. */
export async function createDirectRoom(
  replica: RoomReplica,
  self: Person,
  statement: Statement,
  partner: string,
): Promise<void> {
  const signed = await signControl(author(replica.ports.parts), genesisPlace(replica.room), {
    ...statement,
    person: self,
  });
  await submitGenesis(replica, signed, partner);
}

function genesisPlace(room: string) {
  return { room, number: 1, previousHash: zeroHash, actor: 1 };
}

async function submitGenesis(replica: RoomReplica, signed: SignedControl, partner: string): Promise<void> {
  const { room } = replica;
  const { parts } = replica.ports;
  // Durable before it goes out: after a crash the id must not be given to something else.
  replica.local.lastSendId += 1;
  replica.local.member = 1;
  await replica.save();
  const sendId = replica.local.lastSendId;
  const nothing = { seen: { seq: 0, hash: zeroHash }, manifest: manifestHead(null), recipients: [] };
  const place: SealingPlace = { room, member: 1, sendId, control: controlHead(null), ...nothing };
  await submitControl(parts, room, controlEvent(parts, place, signed), signed, partner);
}

function controlEvent(parts: Parts, place: SealingPlace, signed: SignedControl): Event {
  return plainEvent(parts, place, EventKind.EVENT_KIND_CONTROL, controlBytes(signed.entry));
}

async function submitControl(
  parts: Parts,
  room: string,
  event: Event,
  signed: SignedControl,
  partner = '',
): Promise<void> {
  const { person, credential } = signed;
  await parts.request({ $case: 'submit', value: { room, event, person, credential, partner } }, 'accepted');
}

function author(parts: Parts): Author {
  return { engine: parts.engine, primitives: parts.primitives, device: parts.device, now: parts.now };
}

/** Refusals that a new signature under a fresh id gets past. */
function mayPassAnew(error: unknown): boolean {
  const { REJECTION_STALE_STATE, REJECTION_ID_REUSED, REJECTION_TOO_OLD } = Rejection;
  return (
    isBusy(error) ||
    [REJECTION_STALE_STATE, REJECTION_ID_REUSED, REJECTION_TOO_OLD].some((code) => isRejection(error, code))
  );
}

function isBusy(error: unknown): boolean {
  return error instanceof ClientError && error.rejection !== undefined && isRetryable(error.rejection);
}

function pause(ms: number, random: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms * (1 + random)));
}

/** A sentence for a refused change of a room. */
export function refusalText(error: ClientError): string {
  return error.rejection === undefined ? error.message : `The room refused: ${rejectionName(error.rejection)}.`;
}
