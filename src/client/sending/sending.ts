// Writing into a room: sealing under fresh send ids, and signed control entries with the retry that a chain needs. Who gets the keys stands in receivers.ts.
import { Rejection } from '#proto/gen/codes.ts';
import type { LocalSend } from '#proto/gen/local.ts';
import { type Event, EventHeader, EventKind } from '#proto/gen/record.ts';
import { equalBytes, zeroHash } from '#proto/rules/bytes/bytes.ts';
import { controlHash } from '#proto/rules/bytes/hash.ts';
import { controlHead } from '#proto/rules/control/state.ts';
import { manifestHead } from '#proto/rules/identity/manifest.ts';
import { limits } from '#proto/rules/limits.ts';
import { type SignedControl, type Statement, signControl } from '../chain/control-author.ts';
import { author, controlEvent, submitControl } from '../chain/genesis.ts';
import { pause, reconnectMs } from '../connection/requests.ts';
import type { Exclusion } from '../crypto/engine.ts';
import { ClientError, countLater, isRejection, isRetryable, rejectionName, wasLost } from '../errors.ts';
import type { RoomReplica } from '../room/room.ts';
import { recordById } from '../room/room-rows.ts';
import { slotNamed, slotVersion } from '../room/room-slots.ts';
import { messageId } from '../timeline/timeline.ts';
import { plainEvent, type SealingPlace, sealEvent } from './content.ts';
import { emptyingOfLateEdits } from './deleting.ts';
import type { SendingRoom } from './outbox.ts';
import { Receivers } from './receivers.ts';

const signingTries = 8;
// More than a room remembers of a device, so that the next id is above all it could mean.
const sendIdsSkipped = limits.sendIdsKept + 1;

/** The writing side of a room. */
export class RoomSender implements SendingRoom {
  readonly room: string;
  #replica: RoomReplica;
  #receivers: Receivers;
  #unheard = false;

  constructor(replica: RoomReplica) {
    this.room = replica.room;
    this.#replica = replica;
    this.#receivers = new Receivers(replica);
  }

  /** See SendingRoom. In a 1:1 room messages wait until the other person has accepted. */
  maySend(): boolean {
    const { chain, local, ports } = this.#replica;
    if (!chain.state || local.frozen !== '' || !ports.parts.confirmed() || !this.#replica.joined) return false;
    if (this.#replica.identity !== 'own') return false;
    return !chain.state.policy.direct || chain.state.joined === 2;
  }

  deserted(): Promise<boolean> {
    return this.#replica.exclusive(async () => this.#replica.deserted);
  }

  get unheard(): boolean {
    return this.#unheard;
  }

  /** Encrypts a waiting message. Rejects as CryptoEngine.encrypt does, with REJECTED BUSY while a receiver's keys are not here, and with UNTRUSTED where the other
   * of a 1:1 room would not be given them. */
  seal(
    send: LocalSend,
    row: (sealed: LocalSend) => { key: string; value: Uint8Array },
  ): Promise<LocalSend | undefined> {
    return this.#replica.exclusive(async () => {
      // The room may have been frozen while this waited for its turn.
      if (!this.maySend()) throw new ClientError('UNTRUSTED', 'Nothing can be sent here now.');
      const ready = await this.#settle(send);
      if (!ready) return undefined;
      await this.#receivers.meet();
      const sendId = this.#replica.local.lastSendId + 1;
      const event = await this.#event(ready, this.place(sendId));
      // What was to be sent stays as it was asked for: another sealing looks again at what the slot holds then.
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

  outdated({ event }: LocalSend): boolean {
    const known = event ? (EventHeader.decode(event.header).control?.number ?? 0) : 0;
    return known < (this.#replica.chain.state?.lastRemoval ?? 0);
  }

  async holds(send: LocalSend): Promise<boolean> {
    const id = messageId({ member: this.#replica.own, device: this.#replica.ports.parts.device, sendId: send.sendId });
    const held = (await recordById(this.#replica, id))?.record;
    // The id alone proves nothing: a store restored from a copy gives ids out again.
    return held !== undefined && send.event !== undefined && equalBytes(held.header, send.event.header);
  }

  async skipSendIds(): Promise<void> {
    await this.#replica.exclusive(() => {
      this.#replica.local.lastSendId += sendIdsSkipped;
      return this.#replica.save();
    });
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
      recipients: this.#receivers.list(),
    };
  }

  /** Signs an entry that `make` derives from the present chain, and submits it; signs anew while others are quicker. `make` gives null where the
   * chain says already what was to be said. A connection lost on the way is waited for: then the chain tells whether the entry is in it. */
  async control(make: (replica: RoomReplica) => Statement | null): Promise<void> {
    const { parts } = this.#replica.ports;
    let lost: ClientError | undefined;
    for (let attempt = 0; attempt < signingTries; attempt++) {
      const statement = make(this.#replica);
      if (!statement) return;
      const signed = await this.#sign(statement);
      try {
        await this.#submit(signed);
        return;
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        if (wasLost(error)) {
          lost = error;
          if (!(await parts.whenLive(reconnectMs))) throw error;
        } else if (!mayPassAnew(error)) throw error;
        if (isBusy(error)) await pause((error.retryAfterMs || 200) * (1 + parts.random()));
        if (isRejection(error, Rejection.REJECTION_ID_REUSED) || isRejection(error, Rejection.REJECTION_TOO_OLD))
          await this.skipSendIds();
        await this.#replica.catchUp();
        if (this.#replica.chain.has(controlHash(signed.entry.signed, parts.primitives))) return;
      }
    }
    throw lost ?? new ClientError('TIMEOUT', 'The room changes too quickly just now. Try again.');
  }

  async #sign(statement: Statement): Promise<SignedControl> {
    const { chain, ports } = this.#replica;
    this.#replica.needTrust(statement.kind);
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
    await this.#replica.catchUp().catch((error) => countLater(parts.count, error));
  }

  async #event(send: LocalSend, place: SealingPlace): Promise<Event> {
    const { parts } = this.#replica.ports;
    if (send.kind === EventKind.EVENT_KIND_EMPTYING) return plainEvent(parts, place, send.kind, send.plainBody);
    if (!send.content) throw new ClientError('BAD_ARGUMENT', 'A message without content.');
    this.#needOther();
    const { event, excluded } = await sealEvent(parts, place, { ...send, content: send.content });
    await this.#receivers.complete(excluded);
    this.#needOther(excluded);
    return event;
  }

  /** What nobody but this user could ever read would show as sent. */
  #needOther(excluded: readonly Exclusion[] = []): void {
    this.#unheard = this.#receivers.lacksOther(excluded);
    if (this.#unheard) throw new ClientError('UNTRUSTED', 'The other person could not be given the key of it.');
  }

  /** What is decided no sooner than when it is sealed. Undefined where it became pointless. */
  async #settle(send: LocalSend): Promise<LocalSend | undefined> {
    if (send.kind === EventKind.EVENT_KIND_SLOT) return this.#settleSlot(send);
    if (send.kind !== EventKind.EVENT_KIND_EMPTYING || !send.content) return send;
    const plainBody = await emptyingOfLateEdits(this.#replica, send);
    return plainBody && { ...send, plainBody };
  }

  /** The version of a slot is decided when it is sealed. One that is only posted again for a newcomer is pointless once someone wrote it. */
  #settleSlot(send: LocalSend): LocalSend | undefined {
    const { slots } = this.#replica.local;
    const version = slotVersion(slots, send.slot);
    if (send.content) return { ...send, slotVersion: version + 1 };
    const content = slotNamed(slots, send.slot)?.content;
    if (!content || version > send.slotVersion) return undefined;
    return { ...send, content, slotVersion: version + 1 };
  }
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

/** A sentence for a refused change of a room. */
export function refusalText(error: ClientError): string {
  return error.rejection === undefined ? error.message : `The room refused: ${rejectionName(error.rejection)}.`;
}
