// What a person writes into a room: messages, edits, reactions, deletions, and its name, topic and pins. Everything is checked against its bounds here and
// goes out through the outbox; nothing of it asks the server.
import type { Content, MessageRef } from '#proto/gen/content.ts';
import type { LocalSend } from '#proto/gen/local.ts';
import { EventKind } from '#proto/gen/record.ts';
import type { SendOptions } from '../api.ts';
import { ClientError } from '../errors.ts';
import type { RoomReplica } from '../room/room.ts';
import type { Rooms } from '../room/rooms.ts';
import type { TimelineItem } from '../shown.ts';
import { foldWaiting, messageRef, waitingLine } from '../timeline/timeline.ts';
import { contentLimits, isReaction, needFit, needText } from './content-limits.ts';
import { deletionOf } from './deleting.ts';
import type { Outbox } from './outbox.ts';
import { textContent } from './text-content.ts';
import type { Outgoing } from './waiting.ts';

type Body = NonNullable<Content['body']>;

/** What has to go out ahead of a message in this room. At once: two messages in a row leave in their order, and nothing goes ahead of both. */
export type Ahead = (replica: RoomReplica) => readonly Outgoing[];

/** Contents that do not raise unread counts. */
const quiet: ReadonlySet<string> = new Set(['edit', 'reaction', 'deletion', 'read', 'profile', 'botStart']);

/** The writing of one device. */
export class Writing {
  #rooms: Rooms;
  #outbox: Outbox;
  #ahead: Ahead;
  #needLogin: () => void;

  /** `needLogin` throws LOGIN_NEEDED where the device was logged out: nothing that is written down then would ever go out. */
  constructor(rooms: Rooms, outbox: Outbox, ahead: Ahead, needLogin: () => void) {
    this.#rooms = rooms;
    this.#outbox = outbox;
    this.#ahead = ahead;
    this.#needLogin = needLogin;
  }

  /** See Luxchat.send. */
  async send(room: string, text: string, { replyTo, mentions = [] }: SendOptions): Promise<TimelineItem> {
    needText(text);
    return this.content(room, { ...textContent(text), replyTo, mentions: [...mentions] });
  }

  /** See Luxchat.sendContent. */
  async content(room: string, content: Content): Promise<TimelineItem> {
    const replica = this.#open(room);
    replica.needOther();
    needFit(content, contentLimits.contentBytesMax, 'message');
    const counts = !quiet.has(content.body?.$case ?? '');
    const ahead = counts ? this.#ahead(replica) : [];
    const sends = await this.#outbox.addAll([...ahead, { room, kind: EventKind.EVENT_KIND_CONTENT, content, counts }]);
    const send = sends.at(-1) as LocalSend;
    const line = foldWaiting(send, replica.folding) ?? waitingLine(send.localId, replica.folding);
    return { ...line, localId: send.localId };
  }

  /** See Luxchat.edit. An own message may be edited as soon as the hub took it, before its record has come back. */
  async edit(room: string, id: string, text: string): Promise<void> {
    needText(text);
    const target = this.#ref(room, id);
    if (target.member !== this.#rooms.need(room).replica.own)
      throw new ClientError('BAD_ARGUMENT', 'Only own messages can be edited.');
    await this.#say(room, { $case: 'edit', value: { target, text } });
  }

  /** See Luxchat.react. */
  async react(room: string, id: string, emoji: string, removed: boolean): Promise<void> {
    if (!isReaction(emoji)) throw new ClientError('BAD_ARGUMENT', 'A reaction is one emoji.');
    await this.#say(room, { $case: 'reaction', value: { target: this.#ref(room, id), emoji, removed } });
  }

  /** See Luxchat.deleteForAll. */
  async deleteForAll(room: string, id: string): Promise<void> {
    const replica = this.#open(room);
    this.#ref(room, id);
    // Alone: an edit that comes in while this looks would be named by neither side.
    await replica.exclusive(async () => {
      const { outgoing, instead } = await deletionOf(replica, this.#outbox, id);
      await this.#outbox.addAll(outgoing, instead);
    });
  }

  /** Replaces name or topic. */
  async slotText(room: string, slot: 'name' | 'topic', text: string): Promise<void> {
    await this.#putSlot(room, slot, { $case: 'slotText', value: { text } });
  }

  /** See Luxchat.pin. */
  async pin(room: string, messages: readonly MessageRef[]): Promise<void> {
    await this.#putSlot(room, 'pins', { $case: 'pins', value: { messages: [...messages] } });
  }

  async #say(room: string, body: Body): Promise<void> {
    await this.content(room, { ...textContent(''), body });
  }

  async #putSlot(room: string, slot: string, body: Body): Promise<void> {
    this.#rooms.need(room).replica.needTrust();
    this.#needLogin();
    const content = { ...textContent(''), body };
    needFit(content, contentLimits.slotContentBytesMax, slot === 'pins' ? 'list of pinned messages' : slot);
    await this.#rooms.putSlot(room, slot, content);
  }

  #open(room: string): RoomReplica {
    const { replica } = this.#rooms.need(room);
    replica.needTrust();
    replica.needPresence();
    this.#needLogin();
    return replica;
  }

  #ref(room: string, id: string): MessageRef {
    this.#rooms.need(room);
    const ref = messageRef(id);
    if (!ref) throw new ClientError('UNKNOWN', 'This message has not been accepted yet.');
    return ref;
  }
}

/** Throws BAD_ARGUMENT where a room can't be named so. */
export function needName(text: string): void {
  const content: Content = { ...textContent(''), body: { $case: 'slotText', value: { text } } };
  needFit(content, contentLimits.slotContentBytesMax, 'name or topic');
}
