// The bot API: what a bot says is a function of what one person said to it. Everything else is done here, on the SDK: invitations to 1:1 rooms are accepted,
// groups are declined and left, each text and each start is answered once, in order, whenever the bot is killed: an answer refers to what it answers and is
// durable before it is sent, so the room is its memory. README.md of this folder is the manual.
import { knownLanguage, type Language } from '#client/bots/words.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { RoomInfo, TimelineItem } from '#client/shown.ts';
import { messageId, messageRef } from '#client/timeline/timeline.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { Work } from './work.ts';

/** With whom the bot talks. */
export interface Chat {
  readonly room: string;
  /** Luxchat-ID of the person. */
  readonly user: string;
  /** What the person's app said, or the person since; undefined = nobody said one of the service's languages. */
  readonly language: Language | undefined;
}

/** What a bot does. */
export interface Behaviour {
  /** The answer to a text, 1 to 16,384 bytes. Called again for the same text where the bot was killed before the answer was durable. */
  readonly said: (chat: Chat, text: string) => string;
  /** What to say to a person who starts the bot, first or anew. Absent: nothing. */
  readonly started?: (chat: Chat) => string;
  /** The language that a text asks for, where it does. Absent: none does. */
  readonly asksFor?: (text: string) => Language | undefined;
}

/** How a bot is run. */
export interface BotOptions {
  /** Milliseconds that a person's app has to say that it started the bot, before the bot begins by itself; default 5,000. */
  readonly graceMs?: number;
  /** A failure that waiting does not mend. Default: its message on stderr. */
  readonly failed?: (error: unknown) => void;
  /** In how many rooms it stays; default 9,000. Beyond, it leaves the one that was silent longest. */
  readonly roomsMax?: number;
}

const pageLines = 100;
const defaultGraceMs = 5_000;
/** Longest text that is looked at, in characters: more is cut. */
const heardCharactersMax = 5_000;
/** Below the 10,000 in which a bot may be: what comes while it leaves others still finds room. */
const defaultRoomsMax = 9_000;

/** A bot at work. */
export class Bot {
  readonly client: LuxchatClient;
  readonly #behaviour: Behaviour;
  readonly #graceMs: number;
  readonly #roomsMax: number;
  readonly #rooms: Work;
  readonly #failed: (error: unknown) => void;
  /** Rooms that it is in, the one that was silent longest first. */
  readonly #silence = new Set<string>();
  /** Rooms where somebody came whose app has not said anything yet, and from when on the bot begins by itself. */
  readonly #graces = new Map<string, ReturnType<typeof setTimeout> | 'over'>();

  constructor(client: LuxchatClient, behaviour: Behaviour, options: BotOptions = {}) {
    this.client = client;
    this.#behaviour = behaviour;
    this.#graceMs = options.graceMs ?? defaultGraceMs;
    this.#roomsMax = options.roomsMax ?? defaultRoomsMax;
    this.#failed = options.failed ?? ((error) => console.error(error instanceof Error ? error.message : error));
    this.#rooms = new Work({ run: (room) => this.#look(room), failed: this.#failed });
  }

  /** Starts the device and works from then on. Resolves when all rooms are up to date. Rejects as `start` and `synced` of the SDK. */
  async start(): Promise<void> {
    const { client } = this;
    client.on('invitation', ({ room }) => this.#rooms.add(room));
    client.on('item', ({ room }) => this.#rooms.add(room));
    client.on('alarm', ({ code }) => code === 'IDENTITY_SWAPPED' && this.#letIn());
    client.on('synced', () => this.#letIn());
    // Also what came while there was no connection.
    client.on('synced', () => {
      const rooms = [...client.rooms()].sort((a, b) => a.lastMs - b.lastMs);
      for (const { room, status } of rooms) {
        if (status === MemberStatus.MEMBER_STATUS_JOINED) this.#heard(room);
        this.#rooms.add(room);
      }
    });
    await client.start();
    await client.synced();
  }

  /** Takes nothing more up and closes the device. What is not answered is answered next time. */
  async close(): Promise<void> {
    this.#rooms.close();
    for (const grace of this.#graces.values()) if (grace !== 'over') clearTimeout(grace);
    await this.client.close();
  }

  /** Whoever started over is let in again without a person's word: a bot says to everybody what it says to one. */
  #letIn(): void {
    for (const { user, changedTo } of this.client.people.startedOver())
      if (changedTo.length > 0 && user !== this.client.user) this.client.approveIdentity(user).catch(this.#failed);
  }

  async #look(room: string): Promise<void> {
    const info = this.client.room(room);
    const { MEMBER_STATUS_INVITED, MEMBER_STATUS_JOINED } = MemberStatus;
    if (info.status === MEMBER_STATUS_INVITED)
      await (info.direct ? this.client.accept(room) : this.client.decline(room));
    else if (info.status === MEMBER_STATUS_JOINED && !info.direct) await this.client.leave(room);
    else if (info.status === MEMBER_STATUS_JOINED) {
      this.#heard(room);
      // Who left before the answer gets none: it could not be sent.
      if (info.other?.status !== MemberStatus.MEMBER_STATUS_LEFT) await this.#answer(info);
      await this.#leaveSilent();
    } else this.#silence.delete(room);
  }

  #heard(room: string): void {
    this.#silence.delete(room);
    this.#silence.add(room);
  }

  /** Who was silent longest starts the bot again when they want it; without that, who comes late would find it full. */
  async #leaveSilent(): Promise<void> {
    for (const room of this.#silence) {
      if (this.#silence.size <= this.#roomsMax) return;
      this.#silence.delete(room);
      await this.client.leave(room).catch((error) => {
        this.#heard(room);
        throw error;
      });
    }
  }

  /** Answers all that no own line refers to, oldest first. Looks back until a whole page needs no answer. */
  async #answer({ room }: RoomInfo): Promise<void> {
    const answered = new Set<string>();
    const open: TimelineItem[] = [];
    const lines: TimelineItem[] = [];
    // The newest page, and it alone, holds what waits to be sent.
    for (let older = {}; ; ) {
      const page = await this.client.timeline(room, { limit: pageLines, ...older });
      lines.unshift(...page);
      for (const { own, content } of page) if (own && content?.replyTo) answered.add(messageId(content.replyTo));
      const missing = page.filter((line) => this.#needsAnswer(line) && !answered.has(line.id));
      if (missing.length === 0) break;
      open.unshift(...missing);
      older = { beforeSeq: page[0]?.seq ?? 0 };
    }
    for (const line of open) {
      const chat = this.#chat(line, lines.slice(0, lines.indexOf(line) + 1));
      const replyTo = messageRef(line.id);
      if (replyTo) await this.client.send(room, this.#answerTo(chat, line), { replyTo });
    }
    if (open.length === 0) await this.#begin(room, lines);
  }

  #needsAnswer({ own, kind, content }: TimelineItem): boolean {
    if (own || kind !== 'message') return false;
    return (
      content?.body?.$case === 'text' || (content?.body?.$case === 'botStart' && this.#behaviour.started !== undefined)
    );
  }

  #answerTo(chat: Chat, line: TimelineItem): string {
    const text = textOf(line);
    return text === undefined ? (this.#behaviour.started?.(chat) ?? '') : this.#behaviour.said(chat, text);
  }

  #chat({ room, sender: user }: TimelineItem, lines: readonly TimelineItem[]): Chat {
    for (const line of lines.toReversed()) {
      const { body } = line.own ? {} : (line.content ?? {});
      if (body?.$case === 'botStart') return { room, user, language: knownLanguage(body.value.language) };
      const asked = body?.$case === 'text' ? this.#behaviour.asksFor?.(body.value.text) : undefined;
      if (asked !== undefined) return { room, user, language: asked };
    }
    return { room, user, language: undefined };
  }

  /** Somebody came whose app says nothing of having started the bot: after a while the bot begins. */
  async #begin(room: string, lines: readonly TimelineItem[]): Promise<void> {
    const came = this.#behaviour.started && whoCame(lines);
    const grace = this.#graces.get(room);
    if (!came) {
      if (grace !== undefined && grace !== 'over') clearTimeout(grace);
      this.#graces.delete(room);
    } else if (grace === undefined) {
      const over = () => {
        this.#graces.set(room, 'over');
        this.#rooms.add(room);
      };
      this.#graces.set(room, setTimeout(over, this.#graceMs));
    } else if (grace === 'over') {
      await this.client.send(room, this.#behaviour.started?.(this.#chat({ ...came, room }, lines)) ?? '');
      this.#graces.delete(room);
    }
  }
}

function textOf({ content }: TimelineItem): string | undefined {
  return content?.body?.$case === 'text' ? content.body.value.text.slice(0, heardCharactersMax) : undefined;
}

/** The line that says that a person came, where neither they nor the bot said anything since. */
function whoCame(lines: readonly TimelineItem[]): TimelineItem | undefined {
  for (const line of lines.toReversed()) {
    if (line.kind !== 'notice') return undefined;
    const { what, actor } = line.notice ?? {};
    if (!line.own && (what === 'left' || what === 'declined')) return undefined;
    if (!line.own && (what === 'joined' || what === 'created')) return { ...line, sender: actor ?? line.sender };
  }
  return undefined;
}
