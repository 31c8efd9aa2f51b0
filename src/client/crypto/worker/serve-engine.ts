// The other side of `remote-engine.ts`: holds the engine of one device in this thread and does what is asked over the port.
import type { CryptoEngine, EncryptRequest, EngineEvents, Recipient } from '../engine.ts';
import type { RoomId } from '../ids.ts';
import { type EngineOptions, openEngine } from '../olm-engine.ts';
import { Calls, calledOn, type Port } from './calls.ts';
import type { PassedEncrypt, ToldEvent } from './remote-engine.ts';

const events: Readonly<Record<keyof EngineEvents, true>> = {
  verification: true,
  roomKeys: true,
  flushNeeded: true,
  fault: true,
};
const told = Object.keys(events) as (keyof EngineEvents)[];

/** What opens the place where the library keeps its state in this thread. Default: there is nothing to open. */
export type OpenStore = (
  store: EngineOptions['store'],
) => Promise<{ readonly store: EngineOptions['store']; close(): void }>;

/** Serves one engine over this port. */
export function serveEngine(port: Port, openStore: OpenStore = async (store) => ({ store, close: () => {} })): void {
  const receivers = new Map<RoomId, readonly Recipient[]>();
  let engine: CryptoEngine | undefined;
  let place: Awaited<ReturnType<OpenStore>> | undefined;
  const calls = new Calls(port, async (name, args) => {
    const given = args as readonly unknown[];
    if (name === 'open') {
      const { store, ...who } = given[0] as Pick<EngineOptions, 'user' | 'device' | 'store'>;
      place = await openStore(store);
      const kept = place.store ? { store: place.store } : {};
      engine = await openEngine({ ...who, ...kept, server: asking('server'), ledger: asking('ledger') }).catch(
        (error) => {
          place?.close();
          throw error;
        },
      );
      listen(engine);
      return;
    }
    if (!engine) throw new Error('the engine was not opened');
    if (name === 'encrypt') return engine.encrypt(receiving(given[0] as PassedEncrypt));
    if (name === 'close') return engine.close().finally(() => place?.close());
    return calledOn(engine, name, given);
  });

  /** The same array again is the engine's quick path. */
  function receiving({ recipients, ...request }: PassedEncrypt): EncryptRequest {
    const known = recipients === 'as before' ? receivers.get(request.room) : recipients;
    if (!known) throw new Error('nobody was named as receivers of this room before');
    receivers.set(request.room, known);
    return { ...request, recipients: known };
  }

  function listen(opened: CryptoEngine): void {
    for (const name of told)
      opened.on(name, (value) => {
        const event: ToldEvent = { name, value: value as never, verifications: opened.verifications() };
        void calls.call('told', event);
      });
  }

  /** A part of the SDK that stayed on the other side. */
  function asking<Part extends 'server' | 'ledger'>(part: Part): EngineOptions[Part] {
    return new Proxy({} as EngineOptions[Part], {
      get: (_, method) =>
        typeof method === 'string' && method !== 'then'
          ? (...args: unknown[]) => calls.call(`${part}.${method}`, ...args)
          : undefined,
    });
  }
}
