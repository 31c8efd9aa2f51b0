// Every send of a history with what became of it.
import { type History, type Placed, sendKey } from '../events.ts';

/** One send id of one device in one room. */
export interface SendStory {
  readonly key: string;
  readonly room: string;
  readonly device: string;
  readonly content: string;
  /** Place in the history of the first try. */
  readonly sentAt: number;
  /** All acceptances that came: they should say the same. */
  readonly accepted: Placed[];
  /** Place in the history of the first acceptance; Infinity = none. */
  acceptedAt: number;
  /** Code of the last rejection; 0 = none. */
  rejected: number;
}

/** Rejections from here on are not cured by trying again as it is; from the second on, they say that nothing was stored. */
const finalFrom = 20;
const neverStoredFrom = 40;

/** Did the send get an answer for good? */
export function isAnswered({ accepted, rejected }: SendStory): boolean {
  return accepted.length > 0 || rejected >= finalFrom;
}

/** Was it refused in a way that says that it is not in the log? */
export function isRefused({ accepted, rejected }: SendStory): boolean {
  return accepted.length === 0 && rejected >= neverStoredFrom;
}

export class SendTable {
  readonly #stories = new Map<string, SendStory>();

  /** Throws where an answer stands before its send: then the recording is wrong, and no server. */
  constructor(history: History) {
    for (const [at, event] of history.entries()) {
      if (event.kind === 'sent') this.#sent(at, event);
      if (event.kind !== 'accepted' && event.kind !== 'rejected') continue;
      const story = this.#stories.get(sendKey(event));
      if (story === undefined) throw new Error(`${sendKey(event)} was answered before it was sent`);
      if (event.kind === 'rejected') story.rejected = event.code;
      else {
        story.accepted.push({ seq: event.seq, hash: event.hash });
        story.acceptedAt = Math.min(story.acceptedAt, at);
      }
    }
  }

  /** In the order in which they were first tried. */
  all(): IterableIterator<SendStory> {
    return this.#stories.values();
  }

  of(key: string): SendStory | undefined {
    return this.#stories.get(key);
  }

  #sent(at: number, event: Parameters<typeof sendKey>[0] & { readonly content: string }): void {
    const key = sendKey(event);
    if (this.#stories.has(key)) return;
    const { room, device, content } = event;
    const accepted: Placed[] = [];
    const acceptedAt = Number.POSITIVE_INFINITY;
    this.#stories.set(key, { key, room, device, content, sentAt: at, accepted, acceptedAt, rejected: 0 });
  }
}
