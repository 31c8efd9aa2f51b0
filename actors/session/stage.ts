// A session under test: frames are given as messages and effects come back as data, pushed bytes decoded. Not part of the server.
import { type Effect, rejected } from '#actors/kernel/effects.ts';
import type { AnswerBody, RequestBody, SessionMessage } from '#actors/kernel/messages.ts';
import { ClientFrame, ServerFrame, Submit } from '#proto/gen/client.ts';
import type { Rejection } from '#proto/gen/codes.ts';
import { DeviceBuckets } from './bucket.ts';
import { defaultRates, defaultSessionLimits, type Rates, type SessionLimits } from './limits.ts';
import { Session } from './session.ts';

/** An effect as tests compare it: a pushed frame is decoded. */
export type SeenEffect =
  | Exclude<Effect, { kind: 'push' }>
  | { readonly kind: 'pushed'; readonly request: number; readonly body: AnswerBody | undefined };

/** A well-formed room id and two user ids. */
export const room = `!g${'a'.repeat(32)}:lux.example`;
export const otherRoom = `!g${'b'.repeat(32)}:lux.example`;
export const ann = '@ann:lux.example';

/** Head of the newest manifest when the session is welcomed. */
export const manifest = { version: 3, hash: new Uint8Array([3]) };

export const welcome: AnswerBody = { $case: 'done', value: {} };
export const hello: RequestBody = {
  $case: 'hello',
  value: { version: 1, accessToken: 'secret', client: 'test 1', quiet: false },
};
export const listDevices: RequestBody = { $case: 'listDevices', value: {} };
const none = new Uint8Array();
export const submit: RequestBody = {
  $case: 'submit',
  value: { ...Submit.decode(none), room, event: { header: new Uint8Array([1]), body: new Uint8Array([2]) } },
};

/** One session, number 7, whose device is 2 of Ann. */
export class Stage {
  readonly session: Session;
  now = 1_000_000;

  constructor(
    given: { limits?: Partial<SessionLimits>; rates?: Partial<Rates>; buckets?: DeviceBuckets; isBot?: boolean } = {},
  ) {
    const rates = { ...defaultRates, ...given.rates };
    const buckets = given.buckets ?? new DeviceBuckets(() => rates);
    this.session = new Session(7, {
      buckets,
      limits: { ...defaultSessionLimits, ...given.limits },
      isBot: () => given.isBot ?? false,
    });
  }

  /** Hello, token, welcome: everything up to being live. */
  live(mayWrite = true): this {
    this.tell({ kind: 'opened' });
    this.send(1, hello);
    this.tell({
      kind: 'tokenChecked',
      identity: { user: ann, device: 2, deviceId: 'AB', deviceName: 'phone' },
    });
    this.tell({
      kind: 'welcomed',
      body: welcome,
      mayWrite,
      manifest,
      mayEnter: true,
      consent: { hidden: [], inviteFromMs: 0 },
    });
    return this;
  }

  tell(message: SessionMessage): SeenEffect[] {
    return this.session.receive(message, this.now).map((effect) => {
      if (effect.kind !== 'push') return plain(effect);
      const { request, body } = ServerFrame.decode(effect.frame);
      return plain({ kind: 'pushed', request, body });
    });
  }

  send(request: number, body: RequestBody | undefined): SeenEffect[] {
    return this.tell({ kind: 'frames', frames: [bytesOf(request, body)] });
  }
}

/** The bytes of a client frame. */
export function bytesOf(request: number, body: RequestBody | undefined): Uint8Array {
  return ClientFrame.encode({ request, body }).finish();
}

/** The rejection of a request as it is pushed. */
export function rejection(request: number, code: Rejection, retryAfterMs = 0): SeenEffect {
  return { kind: 'pushed', request, body: rejected(code, retryAfterMs) };
}

/** The same without the decoder's notes of unknown fields where there were none, so that it compares with what a test writes. */
function plain<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(plain) as Value;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).filter(([key, of]) => key !== '_unknownFields' || Object.keys(of).length > 0);
  return Object.fromEntries(entries.map(([key, of]) => [key, plain(of)])) as Value;
}
