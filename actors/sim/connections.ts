// The connections of a process: links, each with its session, and the audiences that these sessions are in. It stands where a server has its
// sockets; what becomes of frames on their way is the links' affair.

import { type Address, sessionAddress } from '#actors/kernel/address.ts';
import type { Audiences } from '#actors/kernel/audience.ts';
import type { System } from '#actors/kernel/system.ts';
import type { SocketEffect } from '#actors/kernel/world.ts';
import { portionsOf } from '#actors/session/portions.ts';
import type { Link, NodeEnd } from './link.ts';

/** The process that has them. */
export interface ConnectionsHome {
  readonly system: System;
  later(delayMs: number, run: () => void): void;
  inside(run: () => void): () => void;
  /** Who is behind a token. */
  identityOf(token: string): { user: string; device: number } | null;
}

/** The open ones. */
export class Connections implements NodeEnd {
  readonly audiences: Audiences;
  readonly #home: ConnectionsHome;
  readonly #links = new Map<number, Link>();

  constructor(home: ConnectionsHome, audiences: Audiences) {
    this.#home = home;
    this.audiences = audiences;
  }

  /** A device connected. */
  accept(link: Link): void {
    this.#links.set(link.id, link);
    this.#home.system.tell(sessionAddress(link.id), { kind: 'opened' });
  }

  received(link: Link, frames: readonly Uint8Array[]): void {
    this.#home.inside(() => {
      for (const portion of portionsOf(frames)) {
        this.#home.system.tell(sessionAddress(link.id), { kind: 'frames', frames: portion });
      }
    })();
  }

  closed(link: Link): void {
    this.#home.inside(() => {
      if (!this.#links.delete(link.id)) return;
      this.audiences.close(link.id);
      this.#home.system.tell(sessionAddress(link.id), { kind: 'closed' });
    })();
  }

  /** The process is gone, and each link learns of it in its own time. */
  die(): void {
    for (const link of this.#links.values()) link.nodeDied();
  }

  /** Sessions whose rooms, or whose user, were on nodes that are lost learn of it. */
  unhear(isLost: Parameters<Audiences['unhear']>[0]): void {
    for (const [session, unheard] of this.audiences.unhear(isLost)) {
      this.#home.system.tell(sessionAddress(session), { kind: 'unheard', ...unheard });
    }
  }

  perform(effect: SocketEffect, from: Address, incarnation: number): void {
    const { audiences } = this;
    switch (effect.kind) {
      case 'push':
        return this.#links.get(effect.session)?.push(effect.frame);
      case 'deliver':
        return this.#deliver(effect);
      case 'join':
        audiences.join(effect.session, effect.audience);
        return;
      case 'part':
        return audiences.part(effect.session, effect.audience);
      case 'watch':
        return audiences.watch(effect.session, effect.room);
      case 'evict':
        audiences.evict(effect.user, effect.room);
        return;
      case 'quiet':
        return audiences.quiet(effect.session);
      case 'disconnect':
        return this.#links.get(effect.session)?.close(effect.code, effect.retryAfterMs);
      case 'disconnectDevice':
        for (const session of audiences.sessionsOf(effect.user, effect.device)) {
          if (session !== effect.except) this.#links.get(session)?.close(effect.code, 0);
        }
        return;
      case 'checkToken':
        return this.#checkToken(effect.session, effect.token, from, incarnation);
    }
  }

  #deliver({ audience, frame, mark, shed }: Extract<SocketEffect, { kind: 'deliver' }>): void {
    for (const session of [...this.audiences.hearers(audience, shed)]) this.#links.get(session)?.push(frame);
    if (mark === undefined || !('room' in audience)) return;
    for (const session of this.audiences.mark(audience.room)) this.#links.get(session)?.push(mark);
  }

  #checkToken(session: number, token: string, from: Address, incarnation: number): void {
    this.#home.later(1, () => {
      const found = this.#home.identityOf(token);
      if (!this.#links.has(session)) return;
      if (found !== null) this.audiences.enter(session, found.user, found.device);
      const identity = found && { ...found, deviceId: `DEVICE${found.device}`, deviceName: 'phone' };
      this.#home.system.tellFrom(from, incarnation, { kind: 'tokenChecked', identity });
    });
  }
}
