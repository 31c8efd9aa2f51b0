// One transport out of two: the only file that knows both adapters.
import { createUwsTransport } from './adapters/uws.ts';
import { createWsTransport } from './adapters/ws.ts';
import type { Transport, TransportKind, TransportOptions } from './transport.ts';

/**
 * Makes a transport; nothing is opened before `listen`. `uws` is uWebSockets.js, `ws` the fall-back in plain Node: slower, same behaviour.
 * Throws a RangeError on a limit out of bounds, a TransportFailure when the native module or the TLS files cannot be loaded.
 */
export function createTransport(kind: TransportKind, options: TransportOptions): Transport {
  return kind === 'uws' ? createUwsTransport(options) : createWsTransport(options);
}
