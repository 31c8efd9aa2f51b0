// One open WebSocket as the server sees it. It holds next to nothing: an idle one must stay far below 6 KiB, so there is
// no timer, no closure and no buffer per connection, only these fields.
import type { Pending } from './outbox.ts';
import type { SocketPort } from './socket-port.ts';
import type { Connection } from './transport.ts';
import type { Watched } from './watch.ts';

/** What carries the calls of a connection out: the edge. */
export interface Carrier<S> {
  readonly port: Pick<SocketPort<S>, 'buffered'>;
  send(connection: EdgeConnection<S>, frame: Uint8Array): void;
  subscribe(connection: EdgeConnection<S>, topic: string): void;
  unsubscribe(connection: EdgeConnection<S>, topic: string): void;
  close(connection: EdgeConnection<S>, code: number, reason: string): void;
}

/** See `Connection`; the fields beyond it are the edge's. */
export class EdgeConnection<S> implements Connection, Pending, Watched {
  readonly id: number;
  readonly source: string;
  readonly edge: Carrier<S>;
  // Null until open and again after the end: the only sign of life there is.
  socket: S | null = null;
  pending: Uint8Array[] | null = null;
  pendingBytes = 0;
  pingsUnanswered = 0;
  helloCame = false;

  constructor(edge: Carrier<S>, id: number, source: string) {
    this.edge = edge;
    this.id = id;
    this.source = source;
  }

  send(frame: Uint8Array): void {
    if (this.socket !== null) this.edge.send(this, frame);
  }

  sendMany(frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.send(frame);
  }

  subscribe(topic: string): void {
    if (this.socket !== null) this.edge.subscribe(this, topic);
  }

  unsubscribe(topic: string): void {
    if (this.socket !== null) this.edge.unsubscribe(this, topic);
  }

  close(code: number, reason: string): void {
    if (this.socket !== null) this.edge.close(this, code, reason);
  }

  bufferedBytes(): number {
    return this.socket === null ? 0 : this.pendingBytes + this.edge.port.buffered(this.socket);
  }
}
