// A CryptoEngine whose work is done in another thread (`serve-engine.ts`): what the library does in one go, a second and more in a room of a thousand devices, does not hold the app up.
// Guarantees: the same as the engine behind it, in the order of the calls. The port to the server and the ledger stay here, and are asked from there.
import { Emitter } from '../../emitter.ts';
import { ClientError } from '../../errors.ts';
import type { CryptoEngine, Encrypted, EncryptRequest, EngineEvents, Recipient, Verification } from '../engine.ts';
import type { RoomId } from '../ids.ts';
import type { EngineOptions } from '../olm-engine.ts';
import { Calls, calledOn, type Port } from './calls.ts';

/** What goes over as it is. */
const passed = [
  ...(['createIdentity', 'confirmed', 'holdsIdentity', 'ownKeys', 'certificate', 'sign', 'receive', 'flush'] as const),
  ...(['track', 'refresh', 'devices', 'identity', 'approveIdentity', 'decrypt', 'rotate', 'sealForDevices'] as const),
  ...(['requestVerification', 'acceptVerification', 'confirmVerification', 'cancelVerification'] as const),
  'scanVerification',
  ...(['exportIdentity', 'importIdentity', 'startBackup', 'endBackup', 'takeBackup', 'markBackedUp'] as const),
  ...(['backupCounts', 'importSessions', 'giveSessions', 'takeSessions', 'sessionAudience'] as const),
  ...(['exportKeys', 'importKeys', 'replaceIdentity', 'renewSelfSigning', 'askForIdentity'] as const),
] satisfies readonly (keyof CryptoEngine)[];

/** How to open it; the clock is that of the other thread. */
export type RemoteOptions = Omit<EngineOptions, 'now'>;

/** What is said of the receivers: where they are those of the last message of that room, only that. */
export type PassedEncrypt = Omit<EncryptRequest, 'recipients'> & {
  readonly recipients: readonly Recipient[] | 'as before';
};

/** What the other side tells unasked. */
export interface ToldEvent {
  readonly name: keyof EngineEvents;
  readonly value: never;
  readonly verifications: Verification[];
}

/** An engine in another thread. `lost` says that the thread ended: every call but `close` rejects with STORE from then on. */
export interface RemoteEngine {
  readonly engine: CryptoEngine;
  readonly lost: (error: unknown) => void;
}

/** A thread that holds an engine. */
export interface EngineThread {
  readonly port: Port;
  /** Rejects when the thread ends by itself. */
  readonly died: Promise<never>;
  readonly end: () => unknown;
}

/** Opens the engine of this thread, which ends with it, and where it can't be opened. Rejects as `openEngine` does. */
export async function openEngineIn({ port, died, end }: EngineThread, options: RemoteOptions): Promise<CryptoEngine> {
  // It may die before anybody waits for it; those below hear of it all the same.
  died.catch(() => {});
  try {
    const { engine, lost } = await Promise.race([openRemoteEngine(port, options, end), died]);
    died.catch(lost);
    return engine;
  } catch (error) {
    await end();
    throw error;
  }
}

/** Opens the engine behind `port`. Rejects as `openEngine` does. `ended` is called after `close`, to end the thread. */
export async function openRemoteEngine(
  port: Port,
  options: RemoteOptions,
  ended: () => unknown,
): Promise<RemoteEngine> {
  const { user, device, store, server, ledger } = options;
  const events = new Emitter<EngineEvents>();
  const receivers = new Map<RoomId, readonly Recipient[]>();
  let verifications: Verification[] = [];
  let closing: Promise<void> | undefined;
  const calls = new Calls(port, (name, args) => {
    if (name === 'told') {
      const [told] = args as unknown as [ToldEvent];
      verifications = told.verifications;
      return events.emit(told.name, told.value);
    }
    const [part, method] = name.split('.') as ['server' | 'ledger', string];
    const served = { server, ledger }[part] as unknown as Record<string, (...given: never[]) => unknown>;
    return calledOn(served, method, args);
  });
  await calls.call('open', { user, device, ...(store ? { store } : {}) });
  let isLost = false;
  const close = async () => {
    try {
      await calls.call('close');
    } catch (error) {
      // A thread that is gone has closed what it had.
      if (!isLost) throw error;
    } finally {
      calls.end(new ClientError('CLOSED', 'The crypto engine is closed'));
      ended();
    }
  };
  const forwarded = passed.map((name) => [name, (...args: unknown[]) => calls.call(name, ...args)]);
  const engine: CryptoEngine = {
    ...(Object.fromEntries(forwarded) as Pick<CryptoEngine, (typeof passed)[number]>),
    user,
    device,
    on: (name, listener) => events.on(name, listener),
    encrypt: ({ recipients, ...request }) => {
      const known = receivers.get(request.room) === recipients;
      receivers.set(request.room, recipients);
      const passing: PassedEncrypt = { ...request, recipients: known ? 'as before' : recipients };
      // Where it came to nothing the other side may not have heard of them.
      return calls.call<Encrypted>('encrypt', passing).catch((error) => {
        receivers.delete(request.room);
        throw error;
      });
    },
    verifications: () => [...verifications],
    close: () => {
      closing ??= close();
      return closing;
    },
  };
  return {
    engine,
    lost: (cause) => {
      isLost = true;
      calls.end(new ClientError('STORE', 'The thread of the crypto engine ended', { cause }));
    },
  };
}
