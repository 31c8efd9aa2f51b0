// What a client is made of, given by whoever opens a device (`node/device-folder.ts`, `browser/open-device.ts`) or by a test.
import type { Primitives } from '#proto/rules/primitives.ts';
import type { PasswordCost } from './backup/header.ts';
import type { ConnectionOptions } from './connection/connection.ts';
import type { LoginServer } from './connection/login.ts';
import type { CryptoEngine, CryptoServer, Rotation } from './crypto/engine.ts';
import type { LocalStore } from './store/store.ts';

/** The device, its stores and its way to the server. */
export interface ClientOptions {
  readonly user: string;
  readonly device: number;
  readonly deviceId: string;
  readonly store: LocalStore;
  readonly primitives: Primitives;
  /** Opens the engine over the given port to the server. */
  readonly openEngine: (server: CryptoServer) => Promise<CryptoEngine>;
  readonly connection: Pick<
    ConnectionOptions,
    'url' | 'accessToken' | 'client' | 'openSocket' | 'backoffMaxMs' | 'requestTimeoutMs'
  >;
  /** Where logins are made. */
  readonly login: LoginServer;
  /** What Argon2id costs for new backup passwords; default 64 MiB and 3 passes. */
  readonly passwordCost?: PasswordCost | undefined;
  /** When a sending session ends; default: after 10,000 messages or 30 days. */
  readonly rotation?: Rotation | undefined;
  /** Milliseconds after somebody went from a room before the first of its admins' devices signs a CHECKPOINT; default: ten minutes. */
  readonly checkpointAfterMs?: number | undefined;
  /** What bots are told when the person starts one: see `languages`. Default: nothing. */
  readonly language?: string;
  readonly now?: () => number;
  readonly random?: () => number;
}
