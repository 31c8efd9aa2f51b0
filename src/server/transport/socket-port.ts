// What the edge needs of a socket library, and all that an adapter has to supply for WebSockets.
// `publish` and `write` must not call back into the edge except `overflowed`, which only takes note.

/** What an adapter does with one kind of socket. `S` is that socket. */
export interface SocketPort<S> {
  /** True if bytes are copied before a write or publish returns. */
  readonly copiesBytes: boolean;
  /** True if a close frame may be queued behind any backlog; false if only behind less than the limit. */
  readonly endsBehindBacklog: boolean;
  write(socket: S, message: Uint8Array): void;
  publish(topic: string, message: Uint8Array): void;
  subscribe(socket: S, topic: string): void;
  unsubscribe(socket: S, topic: string): void;
  unsubscribeAll(socket: S): void;
  buffered(socket: S): number;
  ping(socket: S): void;
  end(socket: S, code: number, reason: string): void;
  terminate(socket: S): void;
  endTurn(): void;
  /** Closes the port to new connections; the open ones live on. */
  stopAccepting(): void;
  /** Frees everything, cutting what is still open. */
  shutdown(): Promise<void>;
}
