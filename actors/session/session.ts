// One live connection: hello, then requests out of a bounded window to the right actor, and their answers back. It proves who asks: what leaves it
// carries the user and device of the checked token. It keeps nothing that outlives the socket, and knows nothing of rooms: those that it hears stand in heard-rooms.ts.
import type { Actor } from '#actors/kernel/actor.ts';
import { nothing } from '#actors/kernel/actor.ts';
import { roomAddress } from '#actors/kernel/address.ts';
import { type Effect, rejected } from '#actors/kernel/effects.ts';
import type { AnswerBody, SessionMessage } from '#actors/kernel/messages.ts';
import { ClientFrame, EphemeralKind, type Hello, type SendEphemeral, type Subscribe } from '#proto/gen/client.ts';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { isRoomId } from '#proto/rules/ids.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import { answerFrame } from './answer.ts';
import { Asker } from './asker.ts';
import type { DeviceBuckets, SessionBuckets } from './bucket.ts';
import { type Heard, HeardRooms } from './heard-rooms.ts';
import { retryAfterMs, type SessionLimits } from './limits.ts';
import { hiddenRoom, isHidden, type RoutedBody, rateOf, routeOf } from './routes.ts';
import { Window } from './window.ts';

/** What the sessions of a node share. */
export interface SessionShared {
  readonly buckets: DeviceBuckets;
  readonly limits: SessionLimits;
  /** Is this user a bot of this provider? Default: nobody is. */
  readonly isBot?: (user: string) => boolean;
}

/** fresh: no hello yet. checking: the token. greeting: the user actor is asked. live. closed: the socket is being closed, nothing counts any more. */
type Phase = 'fresh' | 'checking' | 'greeting' | 'live' | 'closed';

const helloTimer = 'hello';
/** What a request weighs in a mailbox besides its frame, bytes. */
const requestWeight = 128;

export class Session implements Actor<SessionMessage> {
  readonly #session: number;
  readonly #shared: SessionShared;
  #phase: Phase = 'fresh';
  #helloRequest = 0;
  #quiet = false;
  readonly #asker: Asker;
  #buckets: SessionBuckets | null = null;
  #window: Window | null = null;
  #rooms: HeardRooms | null = null;
  /** Greetings without a welcome. */
  #greetings = 0;
  /** Its user moved before the welcome came, and must be greeted once more after it. */
  #greetsAgain = false;
  #turnedDown = 0;
  #turnedDownSince = 0;

  constructor(session: number, shared: SessionShared) {
    this.#session = session;
    this.#shared = shared;
    this.#asker = new Asker(session);
  }

  receive(message: SessionMessage, now: number): readonly Effect[] {
    if (message.kind === 'closed') return [{ kind: 'stop' }];
    if (this.#phase === 'closed') return nothing;
    switch (message.kind) {
      case 'opened':
        return [{ kind: 'startTimer', name: helloTimer, delayMs: this.#shared.limits.helloTimeoutMs }];
      case 'frames':
        return this.#frames(message.frames, now);
      case 'answer':
        return this.#answered(message.request, message.body);
      case 'tokenChecked':
        return this.#checked(message.identity);
      case 'welcomed':
        return this.#welcomed(message);
      case 'mayWrite':
        this.#asker.hearManifest(message.mayWrite, message.manifest);
        return nothing;
      case 'mayEnter':
        this.#asker.hearEntry(message.mayEnter);
        return nothing;
      case 'consent':
        this.#asker.hearConsent(message);
        return nothing;
      case 'evicted':
        this.#rooms?.evicted(message.room);
        return nothing;
      case 'unheard':
        return this.#unheard(message);
      case 'subscribedPart':
        return this.#told(this.#heardRooms().part(message, this.#asker.hidden));
      case 'timer':
        return this.#timer(message.name);
    }
  }

  /** Sessions are not passivated: they end with their socket. */
  idle(): boolean {
    return false;
  }

  #frames(frames: readonly Uint8Array[], now: number): readonly Effect[] {
    const effects: Effect[] = [];
    for (const bytes of frames) {
      const frame = decode(bytes);
      if (frame === null) this.#disconnect(effects, Disconnect.DISCONNECT_MALFORMED_FRAME);
      else this.#frame(effects, frame, bytes.length, now);
      // `#frame` may have closed the session: what the device sent after that is not looked at.
      if ((this.#phase as Phase) === 'closed') break;
    }
    return effects;
  }

  #frame(effects: Effect[], { request, body }: ClientFrame, bytes: number, now: number): void {
    if (this.#phase === 'fresh') {
      if (body?.$case === 'hello') this.#hello(effects, request, body.value);
      else this.#disconnect(effects, Disconnect.DISCONNECT_OUT_OF_STATE);
      return;
    }
    if (body?.$case === 'hello') {
      this.#disconnect(effects, Disconnect.DISCONNECT_OUT_OF_STATE);
    } else if (request === 0) {
      this.#unnumbered(effects, body, bytes, now);
    } else if (this.#phase !== 'live') {
      this.#turnDown(effects, request, Rejection.REJECTION_NOT_LOGGED_IN, now);
    } else if (body === undefined) {
      // A newer device asks for something that this server does not know.
      this.#turnDown(effects, request, Rejection.REJECTION_UNSUPPORTED, now);
    } else if (body.$case === 'sendEphemeral') {
      this.#turnDown(effects, request, Rejection.REJECTION_BAD_REQUEST, now);
    } else {
      this.#request(effects, request, body, bytes, now);
    }
  }

  #hello(effects: Effect[], request: number, hello: Hello): void {
    if (request === 0 || hello.client.length > protocol.clientNameCharactersMax) {
      this.#disconnect(effects, Disconnect.DISCONNECT_MALFORMED_FRAME);
    } else if (hello.version !== 1) {
      this.#disconnect(effects, Disconnect.DISCONNECT_UNSUPPORTED_VERSION);
    } else if (hello.accessToken === '' || hello.accessToken.length > protocol.accessTokenBytesMax) {
      this.#disconnect(effects, Disconnect.DISCONNECT_TOKEN_EXPIRED);
    } else {
      this.#phase = 'checking';
      this.#helloRequest = request;
      this.#quiet = hello.quiet;
      effects.push({ kind: 'checkToken', session: this.#session, token: hello.accessToken });
    }
  }

  #checked(identity: Extract<SessionMessage, { kind: 'tokenChecked' }>['identity']): readonly Effect[] {
    if (this.#phase !== 'checking') return nothing;
    if (identity === null) return this.#ended(Disconnect.DISCONNECT_TOKEN_EXPIRED);
    this.#phase = 'greeting';
    this.#asker.prove(identity);
    const effects: Effect[] = [this.#greeting()];
    // Not before the check: only now the session can be found in audiences.
    if (this.#quiet) effects.push({ kind: 'quiet', session: this.#session });
    return effects;
  }

  #welcomed({ body, mayWrite, manifest, mayEnter, consent }: SessionMessage & { kind: 'welcomed' }): readonly Effect[] {
    if (this.#greetings === 0) return nothing;
    this.#greetings--;
    this.#asker.hearManifest(mayWrite, manifest);
    this.#asker.hearEntry(mayEnter);
    this.#asker.hearConsent(consent);
    if (this.#phase === 'live') return this.#regreeted(body);
    this.#phase = 'live';
    this.#buckets = this.#shared.buckets.of(this.#asker.user, this.#asker.device);
    const effects: Effect[] = [{ kind: 'cancelTimer', name: helloTimer }, this.#push(this.#helloRequest, body)];
    return this.#greetsAgain ? [...effects, this.#greeting()] : effects;
  }

  #request(
    effects: Effect[],
    request: number,
    body: RoutedBody | { readonly $case: 'subscribe'; readonly value: Subscribe },
    bytes: number,
    now: number,
  ): void {
    this.#window ??= new Window(this.#shared.limits.requestsMax);
    const admission = this.#window.admits(request);
    if (admission !== 'taken') {
      const isFull = admission === 'full';
      const code = isFull ? Rejection.REJECTION_LIMIT_REACHED : Rejection.REJECTION_BAD_REQUEST;
      this.#turnDown(effects, request, code, now);
    } else if (body.$case === 'subscribe') {
      this.#subscribe(effects, request, body.value, now);
    } else if (!this.#asker.mayAsk(body)) {
      const value = { code: Rejection.REJECTION_STALE_MANIFEST, retryAfterMs: 0, control: undefined };
      effects.push(this.#push(request, { $case: 'rejected', value: { ...value, manifest: this.#asker.manifest } }));
      this.#countTurnedDown(effects, now);
    } else {
      this.#forward(effects, request, body, bytes, now);
    }
  }

  #forward(effects: Effect[], request: number, body: RoutedBody, bytes: number, now: number): void {
    const route = isHidden(body, this.#asker.hidden) ? hiddenRoom : routeOf(body, this.#asker.requester(request, now));
    if ('refused' in route) {
      this.#turnDown(effects, request, route.refused, now);
      return;
    }
    const rate = rateOf(body, this.#asker.user);
    const buckets = this.#buckets as SessionBuckets;
    const waitMs = rate.of === 'device' ? buckets.device.take(rate.name, now) : buckets.user.take(rate.name, now);
    if (waitMs > 0) {
      this.#turnDown(effects, request, Rejection.REJECTION_RATE_LIMITED, now, waitMs);
      return;
    }
    this.#window?.take(request);
    if ('served' in route) {
      const who = { session: this.#session, request, user: this.#asker.user, device: this.#asker.device };
      effects.push({ kind: 'serve', ...who, body: route.served });
      return;
    }
    effects.push({ kind: 'send', to: route.to, message: route.message, bytes: bytes + requestWeight });
  }

  #subscribe(effects: Effect[], request: number, { rooms }: Subscribe, now: number): void {
    if (rooms.length < 1 || rooms.length > protocol.subscribeRoomsMax || !rooms.every(isRoomId)) {
      this.#turnDown(effects, request, Rejection.REJECTION_BAD_REQUEST, now);
      return;
    }
    const waitMs = (this.#buckets as SessionBuckets).device.take('subscribe', now, rooms.length);
    if (waitMs > 0) {
      this.#turnDown(effects, request, Rejection.REJECTION_RATE_LIMITED, now, waitMs);
      return;
    }
    const heard = this.#heardRooms().subscribe(rooms, this.#asker.hidden, this.#asker.requester(request));
    if (heard === null) {
      this.#turnDown(effects, request, Rejection.REJECTION_LIMIT_REACHED, now);
      return;
    }
    this.#window?.take(request);
    effects.push(...this.#told(heard));
  }

  #heardRooms(): HeardRooms {
    const isBot = this.#shared.isBot?.(this.#asker.user) ?? false;
    const roomsMax = isBot ? protocol.botRoomsMax : protocol.subscriptionsMax;
    this.#rooms ??= new HeardRooms(this.#session, this.#shared.limits, roomsMax);
    return this.#rooms;
  }

  #told({ effects, answer }: Heard): readonly Effect[] {
    return answer === undefined ? effects : [...effects, ...this.#answered(answer.request, answer.body)];
  }

  #greeting(): Effect {
    this.#greetings++;
    return this.#asker.greeting();
  }

  #unheard(message: Extract<SessionMessage, { kind: 'unheard' }>): readonly Effect[] {
    // Before the welcome no room was heard yet. It may be under way from where the user was: then the greeting after it is for where the user is.
    if (this.#phase === 'greeting' && message.own) this.#greetsAgain = true;
    if (this.#phase !== 'live') return nothing;
    const effects = this.#heardRooms().unheard(message, this.#asker.requester(0));
    return message.own ? [...effects, this.#greeting()] : effects;
  }

  #regreeted(body: AnswerBody): readonly Effect[] {
    if (body.$case !== 'welcome') return nothing;
    return [this.#push(0, { $case: 'inboxMoved', value: { head: body.value.inboxHead } })];
  }

  #answered(request: number, body: AnswerBody): readonly Effect[] {
    if (this.#window?.free(request) !== true) return [{ kind: 'count', counter: 'session.answerUnasked', by: 1 }];
    return [this.#push(request, body)];
  }

  /** Frames without a number: typing and presence, and whatever newer devices may send that wants no answer. */
  #unnumbered(effects: Effect[], body: ClientFrame['body'], bytes: number, now: number): void {
    if (body !== undefined && body.$case !== 'sendEphemeral') {
      // A request that can't be answered.
      this.#disconnect(effects, Disconnect.DISCONNECT_MALFORMED_FRAME);
    } else if (body === undefined || this.#phase !== 'live' || !this.#ephemeral(effects, body.value, bytes, now)) {
      this.#countTurnedDown(effects, now);
    }
  }

  #ephemeral(effects: Effect[], { room, kind }: SendEphemeral, bytes: number, now: number): boolean {
    const known = kind >= EphemeralKind.EPHEMERAL_KIND_TYPING && kind <= EphemeralKind.EPHEMERAL_KIND_ONLINE;
    if (!known || !isRoomId(room) || this.#asker.hidden.has(room)) return false;
    if ((this.#buckets as SessionBuckets).device.take('ephemeral', now) > 0) return false;
    const message = { kind: 'ephemeral', from: this.#asker.requester(0), ephemeral: kind } as const;
    effects.push({ kind: 'send', to: roomAddress(room), message, bytes: bytes + requestWeight });
    return true;
  }

  #timer(name: string): readonly Effect[] {
    const heard = this.#rooms?.timer(name, this.#asker.requester(0));
    if (heard !== undefined) return this.#told(heard);
    if (name !== helloTimer || this.#phase === 'live') return nothing;
    return this.#ended(Disconnect.DISCONNECT_HELLO_TIMEOUT, retryAfterMs.helloTimeout);
  }

  /** The session itself rejects a request. Not for what other actors reject: that answers a request that was let through. */
  #turnDown(effects: Effect[], request: number, code: Rejection, now: number, waitMs = 0): void {
    effects.push(this.#push(request, rejected(code, waitMs)));
    this.#countTurnedDown(effects, now);
  }

  #countTurnedDown(effects: Effect[], now: number): void {
    const { turnedDownMax, turnedDownWindowMs } = this.#shared.limits;
    if (this.#turnedDown === 0 || now - this.#turnedDownSince >= turnedDownWindowMs) {
      this.#turnedDown = 0;
      this.#turnedDownSince = now;
    }
    if (++this.#turnedDown > turnedDownMax) {
      this.#disconnect(effects, Disconnect.DISCONNECT_FLOODING, retryAfterMs.flooding);
    }
  }

  #push(request: number, body: AnswerBody): Effect {
    const frame = answerFrame(request, body, this.#shared.limits.answerBytesMax);
    return { kind: 'push', session: this.#session, frame };
  }

  #disconnect(effects: Effect[], code: Disconnect, afterMs = 0): void {
    this.#phase = 'closed';
    effects.push({ kind: 'disconnect', session: this.#session, code, retryAfterMs: afterMs });
  }

  #ended(code: Disconnect, afterMs = 0): readonly Effect[] {
    const effects: Effect[] = [];
    this.#disconnect(effects, code, afterMs);
    return effects;
  }
}

/** null = not a ClientFrame. Bytes of a foreign peer: whatever the decoder throws at them is their fault, not ours. */
function decode(bytes: Uint8Array): ClientFrame | null {
  try {
    return ClientFrame.decode(bytes);
  } catch {
    // Nothing but the codec throws here.
    return null;
  }
}
