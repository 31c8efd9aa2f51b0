// Whom one's own profile is shared with: the people in rooms that one is in, ahead of what one says there, and one's own other devices. Said again where it
// changed, or where somebody came since who could not read it, and then at most once a day in a room; never to bots.
import { EventKind, MemberStatus } from '#proto/gen/record.ts';
import { fromBase64, toBase64 } from '#proto/rules/bytes/base.ts';
import { mayPost } from '#proto/rules/control/state.ts';
import type { DeviceMessage, PrivateMessage } from '../crypto/engine.ts';
import type { Parts } from '../parts.ts';
import type { RoomCopy } from '../room/room-copy.ts';
import type { Rooms } from '../room/rooms.ts';
import type { Outbox } from '../sending/outbox.ts';
import type { Outgoing } from '../sending/waiting.ts';
import type { LocalChange } from '../store/store.ts';
import type { ProfileChange, Profiles, Said } from './profiles.ts';

/** Type of the device message. */
export const profileMessageType = 'lu.luxchat.profile';
/** Rooms that hear of a change at once, those that were used last; the others do when one writes there next. */
export const roomsToldMax = 30;
const againMs = 86_400_000;
/** Row of the account: own devices are still to be told. */
const tellKey = 'tell profile';

export interface ProfileSharingPorts {
  readonly parts: () => Parts;
  readonly profiles: Profiles;
  readonly rooms: () => Pick<Rooms, 'all' | 'get'>;
  readonly outbox: () => Pick<Outbox, 'waiting' | 'addAll'>;
  /** Ids of one's other devices in the newest manifest. */
  readonly otherDevices: () => readonly string[];
  /** Stores encrypted device messages in their inboxes. Rejects as requests do. */
  readonly send: (messages: readonly DeviceMessage[]) => Promise<void>;
}

/** How the own profile goes out. */
export class ProfileSharing {
  #ports: ProfileSharingPorts;
  #flushing: Promise<void> | undefined;
  /** By room: what was answered last, and to which question. */
  readonly #came = new WeakMap<RoomCopy, { readonly asked: string; readonly came: boolean }>();

  constructor(ports: ProfileSharingPorts) {
    this.#ports = ports;
  }

  /** See Luxchat.setProfile. */
  async set(change: ProfileChange): Promise<void> {
    const { profiles, rooms, parts } = this.#ports;
    await profiles.set(change, [noted()]);
    const latest = [...rooms().all()].sort((a, b) => lastMsOf(b.replica) - lastMsOf(a.replica));
    let told = 0;
    for (const { replica } of latest) {
      if (told >= roomsToldMax) break;
      if (await this.say(replica)) told += 1;
    }
    parts().background(() => this.flush());
  }

  /** Says it in this room where it is due. True where it was. */
  async say(replica: RoomCopy): Promise<boolean> {
    const ahead = this.ahead(replica);
    await this.#ports.outbox().addAll(ahead);
    return ahead.length > 0;
  }

  /** What goes ahead of the next message in this room: the profile where it is due, or nothing. */
  ahead(replica: RoomCopy): Outgoing[] {
    if (!this.#isDue(replica)) return [];
    const content = this.#ports.profiles.content(replica.chain.state?.joined ?? 0);
    return content ? [{ room: replica.room, kind: EventKind.EVENT_KIND_CONTENT, content, counts: false }] : [];
  }

  /** Tells own devices what changed here. Rejects as requests do; then the next session does it. */
  flush(): Promise<void> {
    this.#flushing ??= this.#tellNoted().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #tellNoted(): Promise<void> {
    const { parts, profiles, otherDevices } = this.#ports;
    const { store, live } = parts();
    while (live() && (await store.get('account', tellKey))) {
      const { changedMs } = profiles.own;
      await this.tell(otherDevices());
      // Unless it changed meanwhile: then once more.
      if (profiles.own.changedMs === changedMs) await store.write([{ ...noted(), value: undefined }]);
    }
  }

  /** Tells these own devices. Rejects as requests do. */
  async tell(devices: readonly string[]): Promise<void> {
    const { profiles, parts, send } = this.#ports;
    const { name, picture, changedMs } = profiles.own;
    if (changedMs === 0 || devices.length === 0) return;
    const { engine, user } = parts();
    const content = { name, picture: toBase64(picture), changedMs };
    const messages = await engine.sealForDevices(profileMessageType, content, [{ user, devices }]);
    if (messages.length > 0) await send(messages);
  }

  /** Takes what another own device says; anything else is left alone. Durable when it resolves. */
  async take({ type, sender, device, content }: PrivateMessage): Promise<void> {
    const { user, store, now, count } = this.#ports.parts();
    if (type !== profileMessageType || sender !== user) return;
    if (device === undefined || !this.#ports.otherDevices().includes(device)) return count('profile.refused');
    const said = readSaid(content);
    const change = said && this.#ports.profiles.heard(user, said, now());
    if (!change) return;
    await store.write(change.rows);
    change.settle();
  }

  /** Asked at each message: what costs a look at every member comes last, and is remembered. */
  #isDue(replica: RoomCopy): boolean {
    const { changedMs, name, picture } = this.#ports.profiles.own;
    const { room, local } = replica;
    if (changedMs === 0) return false;
    const isEmpty = name === '' && picture.length === 0;
    const isNews = local.profileMs < changedMs;
    // Nobody has to hear that there never was one.
    const isDue = isNews ? !isEmpty || local.profileMs > 0 : !isEmpty && this.#isDueAgain(replica);
    if (!isDue) return false;
    const waiting = this.#ports.outbox().waiting(room);
    const isSaid = waiting.some(
      ({ content }) => content?.body?.$case === 'profile' && content.body.value.changedMs === changedMs,
    );
    return !isSaid && maySay(replica);
  }

  #isDueAgain(replica: RoomCopy): boolean {
    return this.#ports.parts().now() - replica.local.profileAcceptedMs >= againMs && this.#cameSince(replica);
  }

  /** Is there a member, or a device of one, that could not read what was said last? */
  #cameSince(replica: RoomCopy): boolean {
    const { chain, local } = replica;
    const asked = `${chain.number} ${this.#ports.parts().people.version} ${local.profileControl} ${local.profileAcceptedMs}`;
    const before = this.#came.get(replica);
    if (before?.asked === asked) return before.came;
    const came = this.#hasNewcomer(replica);
    this.#came.set(replica, { asked, came });
    return came;
  }

  #hasNewcomer({ chain, local, own }: RoomCopy): boolean {
    const { people } = this.#ports.parts();
    for (const { number, status, changed } of chain.state?.members ?? []) {
      if (number === own || status !== MemberStatus.MEMBER_STATUS_JOINED) continue;
      if (changed > local.profileControl) return true;
      const signedMs = people.get(chain.user(number))?.manifest.body.signedMs ?? 0;
      if (signedMs > local.profileAcceptedMs) return true;
    }
    return false;
  }
}

/** Not to bots; and a room for oneself alone hears it when somebody comes. */
function maySay({ chain: { state }, isWithBot, joined, own, direct }: RoomCopy): boolean {
  return joined && !isWithBot && state !== null && mayPost(state, own) && (direct || state.joined > 1);
}

function noted(): LocalChange {
  return { table: 'account', key: tellKey, value: Uint8Array.of(1) };
}

function lastMsOf({ local }: RoomCopy): number {
  return local.head?.acceptedMs ?? 0;
}

/** Strictly: a message of a later version must not stop the inbox. */
function readSaid(content: unknown): Said | undefined {
  if (typeof content !== 'object' || content === null) return undefined;
  const { name, picture, changedMs } = content as Record<string, unknown>;
  if (typeof name !== 'string' || typeof picture !== 'string' || typeof changedMs !== 'number') return undefined;
  const bytes = picture === '' ? new Uint8Array() : fromBase64(picture);
  return bytes && Number.isSafeInteger(changedMs)
    ? { name, picture: bytes, changedMs, pictureLeftOut: false }
    : undefined;
}
