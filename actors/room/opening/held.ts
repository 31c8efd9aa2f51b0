// What came before the room lives. Work is bounded by count and bytes; answers have no bound here, for the kernel bounds them by what is under way.
// A held message keeps no frame: it is taken apart, and what is unknown in it is dropped.
import { laneOf, weigh } from '#actors/kernel/message-kinds.ts';
import type { RoomMessage } from '#actors/kernel/messages.ts';
import type { Credential, Event, Person } from '#proto/gen/record.ts';
import { copyBytes } from '#proto/rules/bytes/bytes.ts';
import type { RoomLimits } from '../limits.ts';

/** The messages of one room. */
export class Held {
  readonly #limits: RoomLimits;
  #messages: RoomMessage[] = [];
  #requests = 0;
  #bytes = 0;

  constructor(limits: RoomLimits) {
    this.#limits = limits;
  }

  get requests(): number {
    return this.#requests;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a message in. False: it is a request, and there are too many or too large ones. */
  add(message: RoomMessage): boolean {
    if (laneOf(message) === 'control') {
      this.#messages.push(message);
      return true;
    }
    const { heldMessagesMax, heldBytesMax } = this.#limits;
    const own = takenApart(message);
    const bytes = weigh(message) + bytesOf(own);
    if (this.#requests >= heldMessagesMax || this.#bytes + bytes > heldBytesMax) return false;
    this.#messages.push(own);
    this.#requests++;
    this.#bytes += bytes;
    return true;
  }

  /** Takes all out, in the order they came. */
  take(): readonly RoomMessage[] {
    const messages = this.#messages;
    this.#messages = [];
    this.#requests = 0;
    this.#bytes = 0;
    return messages;
  }
}

function bytesOf(message: RoomMessage): number {
  if (message.kind === 'putReceipt') return message.write.length;
  if (message.kind !== 'submit') return 0;
  const { event, credential } = message.submit;
  const beside = (credential?.deviceJson.length ?? 0) + (credential?.selfSigningJson.length ?? 0);
  return (event?.header.length ?? 0) + (event?.body.length ?? 0) + beside;
}

function takenApart(message: RoomMessage): RoomMessage {
  switch (message.kind) {
    case 'submit': {
      const { room, event, person, credential, partner } = message.submit;
      const submit = {
        room,
        event: event && eventOf(event),
        person: person && personOf(person),
        credential: credential && credentialOf(credential),
        partner,
      };
      return { ...message, submit };
    }
    case 'putReceipt':
      return { ...message, write: copyBytes(message.write) };
    case 'fetch': {
      const { room, fromSeq, throughSeq, limit, newestFirst } = message.fetch;
      return { ...message, fetch: { room, fromSeq, throughSeq, limit, newestFirst } };
    }
    case 'readRoom': {
      const { room, fromControl, slots, stateOffset, afterSlot } = message.read;
      return { ...message, read: { room, fromControl, slots, stateOffset, afterSlot } };
    }
    default:
      return message;
  }
}

function eventOf({ header, body }: Event): Event {
  return { header: copyBytes(header), body: copyBytes(body) };
}

function personOf({ member, user, salt, fingerprint, bot }: Person): Person {
  return { member, user, salt: copyBytes(salt), fingerprint: copyBytes(fingerprint), bot };
}

function credentialOf({ member, device, deviceJson, selfSigningJson }: Credential): Credential {
  return { member, device, deviceJson: copyBytes(deviceJson), selfSigningJson: copyBytes(selfSigningJson) };
}
