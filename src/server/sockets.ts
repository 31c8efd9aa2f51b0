// The sockets of a node, each with the session behind it, and the audiences that these sessions are in. It carries out what is about them alone.
// Guarantees: effects are carried out in order; a session's frames leave in the order pushed; a delivery is one native publish per room.
import { type Address, sessionAddress } from '#actors/kernel/address.ts';
import type { Audiences } from '#actors/kernel/audience.ts';
import type { Audience } from '#actors/kernel/effects.ts';
import type { System } from '#actors/kernel/system.ts';
import type { SocketEffect } from '#actors/kernel/world.ts';
import { ServerFrame } from '#proto/gen/client.ts';
import { Disconnect } from '#proto/gen/codes.ts';
import { PostTimes } from './post-times.ts';
import type { Log } from './telemetry/log.ts';

/** Rooms with more live sessions than this get no typing and presence: shed first. */
const shedAboveSessions = 256;

/** A device whose token could not be checked comes back after once to twice this, milliseconds. */
const tokenRetryMs = 1_000;

/** A socket as its session needs it; see transport. */
export interface Socket {
  readonly id: number;
  send(frame: Uint8Array): void;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  close(code: number, reason: string): void;
}

/** Who is behind an access token. */
export interface Identity {
  readonly userId: string;
  readonly deviceNumber: number;
  readonly deviceId: string;
  readonly deviceName: string;
}

/** What the sockets need of the node. */
export interface SocketsOptions {
  readonly system: () => System;
  readonly audiences: Audiences;
  readonly publish: (topic: string, frame: Uint8Array) => void;
  readonly checkToken: (token: string) => Promise<Identity | null>;
  readonly log: Log;
}

/** The open ones. */
export class Sockets {
  readonly posts = new PostTimes();
  readonly #options: SocketsOptions;
  readonly #audiences: Audiences;
  readonly #open = new Map<number, Socket>();

  constructor(options: SocketsOptions) {
    this.#options = options;
    this.#audiences = options.audiences;
  }

  /** A socket opened: its session begins. */
  opened(socket: Socket): void {
    this.#open.set(socket.id, socket);
    this.#system.tell(sessionAddress(socket.id), { kind: 'opened' });
  }

  /** Frames came. */
  received(socket: Socket, frames: readonly Uint8Array[], bytes: number): void {
    this.posts.received(socket.id, frames);
    this.#system.tell(sessionAddress(socket.id), { kind: 'frames', frames }, bytes);
  }

  /** The socket is gone. */
  closed(socket: Socket): void {
    if (!this.#open.delete(socket.id)) return;
    this.#audiences.close(socket.id);
    this.posts.closed(socket.id);
    this.#system.tell(sessionAddress(socket.id), { kind: 'closed' });
  }

  /** Ends all live sessions of a device: its tokens were revoked elsewhere. */
  disconnectDevice(user: string, device: number, code: Disconnect, except?: number): void {
    for (const session of this.#audiences.sessionsOf(user, device))
      if (session !== except) this.#disconnect(session, code, 0);
  }

  /** Ends every session: what this node shows may be old. Each comes back within `withinMs`, wherever it is sent. */
  disconnectAll(withinMs: number): void {
    for (const session of [...this.#open.keys()]) {
      this.#disconnect(session, Disconnect.DISCONNECT_GOING_AWAY, 1 + Math.floor(Math.random() * withinMs));
    }
  }

  /** Audiences of nodes that are lost are heard no more; the sessions learn which. */
  unhear(isLost: (key: string) => boolean): void {
    for (const [session, { rooms, watched, own }] of this.#audiences.unhear(isLost)) {
      const socket = this.#open.get(session);
      for (const room of rooms) socket?.unsubscribe(room);
      this.#system.tell(sessionAddress(session), { kind: 'unheard', rooms, watched, own });
    }
  }

  /** See World. */
  perform(effect: SocketEffect, from: Address, incarnation: number): void {
    switch (effect.kind) {
      case 'push':
        this.#open.get(effect.session)?.send(effect.frame);
        return this.posts.pushed(effect.session, effect.frame);
      case 'deliver':
        return this.#deliver(effect);
      case 'join':
        if (this.#audiences.join(effect.session, effect.audience))
          this.#open.get(effect.session)?.subscribe(topicOf(effect.audience));
        return;
      case 'part':
        this.#audiences.part(effect.session, effect.audience);
        return this.#open.get(effect.session)?.unsubscribe(topicOf(effect.audience));
      case 'watch':
        return this.#audiences.watch(effect.session, effect.room);
      case 'evict':
        for (const session of this.#audiences.evict(effect.user, effect.room))
          this.#open.get(session)?.unsubscribe(topicOf({ room: effect.room }));
        return;
      case 'quiet':
        return this.#audiences.quiet(effect.session);
      case 'disconnect':
        return this.#disconnect(effect.session, effect.code, effect.retryAfterMs);
      case 'disconnectDevice':
        return this.disconnectDevice(effect.user, effect.device, effect.code, effect.except);
      case 'checkToken':
        return this.#checkToken(effect.session, effect.token, from, incarnation);
    }
  }

  get #system(): System {
    return this.#options.system();
  }

  #deliver({ audience, frame, mark, shed }: Extract<SocketEffect, { kind: 'deliver' }>): void {
    if (shed === true) {
      if ('room' in audience && this.#audiences.live(audience.room).size > shedAboveSessions) return;
      for (const session of this.#audiences.hearers(audience, true)) this.#open.get(session)?.send(frame);
      return;
    }
    this.#options.publish(topicOf(audience), frame);
    if (mark === undefined || !('room' in audience)) return;
    for (const session of this.#audiences.mark(audience.room)) this.#open.get(session)?.send(mark);
  }

  #disconnect(session: number, code: Disconnect, retryAfterMs: number): void {
    const socket = this.#open.get(session);
    if (!socket) return;
    socket.send(ServerFrame.encode({ request: 0, body: { $case: 'closing', value: { code, retryAfterMs } } }).finish());
    socket.close(code, retryAfterMs > 0 ? `retryAfter=${retryAfterMs}` : '');
  }

  #checkToken(session: number, token: string, from: Address, incarnation: number): void {
    const answer = (identity: Identity | null) => {
      const socket = this.#open.get(session);
      if (identity && socket) this.#audiences.enter(session, identity.userId, identity.deviceNumber);
      const proven = identity && {
        user: identity.userId,
        device: identity.deviceNumber,
        deviceId: identity.deviceId,
        deviceName: identity.deviceName,
      };
      this.#system.tellFrom(from, incarnation, { kind: 'tokenChecked', identity: proven });
    };
    this.#options.checkToken(token).then(answer, (error) => {
      // The login's store failed: nothing is known of the token, and a device that hears it is no good would throw it away.
      this.#options.log.error('token check failed', error);
      this.#disconnect(session, Disconnect.DISCONNECT_BUSY, tokenRetryMs + Math.floor(Math.random() * tokenRetryMs));
    });
  }
}

function topicOf(audience: Audience): string {
  return 'room' in audience ? audience.room : audience.user;
}
