// What is seen now or never: that somebody types, or is there. Nothing of it is kept, answered or sent again, and no more of it is sent than a person
// who looks at the room can notice.
import { EphemeralKind } from '#proto/gen/client.ts';
import type { ClientBody } from '../connection/connection.ts';

/** The same is said again of a room after so long, milliseconds; what comes sooner is dropped. */
const pauseMs = 3_000;

/** What this device lets its rooms see. */
export class Ephemeral {
  readonly #now: () => number;
  readonly #tell: (body: ClientBody) => void;
  readonly #typedAt = new Map<string, number>();
  readonly #onlineAt = new Map<string, number>();

  /** `tell` sends a frame that has no answer. */
  constructor(now: () => number, tell: (body: ClientBody) => void) {
    this.#now = now;
    this.#tell = tell;
  }

  /** See Luxchat.typing. That it is over is said at once. */
  typing(room: string, typing: boolean): void {
    const now = this.#now();
    if (typing && now - (this.#typedAt.get(room) ?? 0) < pauseMs) return;
    this.#typedAt.set(room, typing ? now : 0);
    const { EPHEMERAL_KIND_TYPING, EPHEMERAL_KIND_TYPING_STOPPED } = EphemeralKind;
    const kind = typing ? EPHEMERAL_KIND_TYPING : EPHEMERAL_KIND_TYPING_STOPPED;
    this.#tell({ $case: 'sendEphemeral', value: { room, kind } });
  }

  /** See Luxchat.online. */
  online(room: string): void {
    const now = this.#now();
    if (now - (this.#onlineAt.get(room) ?? 0) < pauseMs) return;
    this.#onlineAt.set(room, now);
    this.#tell({ $case: 'sendEphemeral', value: { room, kind: EphemeralKind.EPHEMERAL_KIND_ONLINE } });
  }
}
