// What every part of the SDK stands on, so that none of them imports the client that holds them all: who and where this device is, its store, its keys, the server.
import type { Primitives } from '#proto/rules/primitives.ts';
import type { Alarm } from './alarms.ts';
import type { AnswerOf, ClientBody, ServerBody } from './connection/connection.ts';
import type { CryptoEngine, Rotation } from './crypto/engine.ts';
import type { ClientEvents } from './events.ts';
import type { LocalStore } from './store/store.ts';

/** One logged-in device. */
export interface DeviceParts {
  readonly user: string;
  readonly device: number;
  readonly deviceId: string;
  readonly store: LocalStore;
  readonly engine: CryptoEngine;
  readonly primitives: Primitives;
  /** Requests to the server; see Connection.request. */
  request<Case extends ServerBody['$case']>(body: ClientBody, expect: Case): Promise<AnswerOf<Case>>;
  /** Is there a session now? */
  live(): boolean;
  /** Waits for a session, at most `ms` milliseconds. False = there is none. */
  whenLive(ms: number): Promise<boolean>;
  /** Is this device listed in the own newest manifest? */
  confirmed(): boolean;
  /** Is what this user said then not shown, since they are or were blocked? */
  hides(user: string, atMs: number): boolean;
  /** Is it the 1:1 room with someone who is blocked, or an invitation of theirs? */
  hidesRoom(room: string): boolean;
  emit<Name extends keyof ClientEvents>(name: Name, value: ClientEvents[Name]): void;
  /** Raises an alarm: counted and told. */
  alarm(alarm: Alarm): void;
  count(name: string, by?: number): void;
  /** A message can't be read: those who may have its key are asked soon. */
  lacking(): void;
  /** Runs work whose outcome is nobody's answer. A lost connection or a refusal is counted (`later.<code>`): the next session does it again.
   * Anything else is a bug of the SDK, and told as `fault`. */
  background(work: () => Promise<void>): void;
  /** When a sending session ends. */
  readonly rotation: Rotation;
  now(): number;
  random(): number;
}
