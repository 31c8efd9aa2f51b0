// The engine's ledger in memory, for tests and for devices that keep nothing. It forgets with the process: after that
// a replay of an older message is not noticed, so a device with a durable store must bring a durable ledger.
import type { CryptoLedger, SessionBegan } from './engine.ts';
import type { RoomId } from './ids.ts';
import type { SessionOrigin } from './keeping.ts';

export class MemoryLedger implements CryptoLedger {
  #steps = new Map<string, string>();
  #began = new Map<RoomId, SessionBegan>();
  #audiences = new Map<string, number>();
  #origins = new Map<string, SessionOrigin>();

  async claimIndex(sessionId: string, index: number, eventId: string): Promise<string> {
    const step = `${sessionId} ${index}`;
    const holder = this.#steps.get(step) ?? eventId;
    this.#steps.set(step, holder);
    return holder;
  }

  async sessionBegan(room: RoomId): Promise<SessionBegan | undefined> {
    return this.#began.get(room);
  }

  async setSessionBegan(room: RoomId, began: SessionBegan): Promise<void> {
    this.#began.set(room, began);
    if (began.audience !== undefined) this.#audiences.set(`${room} ${began.sessionId}`, began.audience);
  }

  async sessionAudience(room: RoomId, sessionId: string): Promise<number | undefined> {
    return this.#audiences.get(`${room} ${sessionId}`);
  }

  async sessionOrigin(room: RoomId, sessionId: string): Promise<SessionOrigin | undefined> {
    return this.#origins.get(`${room} ${sessionId}`);
  }

  async setSessionOrigins(origins: readonly SessionOrigin[]): Promise<void> {
    for (const origin of origins) this.#origins.set(`${origin.room} ${origin.sessionId}`, origin);
  }
}
