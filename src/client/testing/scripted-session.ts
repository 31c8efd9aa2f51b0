// For tests: a whole client over a socket that answers as a script says, and an engine that does nothing. What a device does in which order is at
// stake here; what it can read is not.
import {
  Accepted,
  BlockList,
  ClientFrame,
  DeviceList,
  Done,
  InboxMoved,
  InboxPage,
  KeysAnswer,
  RecordPage,
  RoomList,
  RoomRecords,
  RoomSnapshot,
  ServerFrame,
  Subscribed,
  Welcome,
} from '#proto/gen/client.ts';
import { joinFrames, splitFrames } from '#proto/rules/bytes/frames.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import type { ClientBody, ServerBody, Socket } from '../connection/connection.ts';
import type { CryptoEngine } from '../crypto/engine.ts';
import { LuxchatClient } from '../luxchat-client.ts';
import { portablePrimitives } from '../primitives.ts';
import { MemoryStore } from '../store/memory-store.ts';
import type { LocalStore } from '../store/store.ts';

/** What the server says to a request, now or later; undefined = nothing of its own. */
export type Script = (asked: ClientBody) => ServerBody | Promise<ServerBody> | undefined;

/** A body as if nothing was written in it but these fields. */
export function told<Case extends keyof typeof codecs>($case: Case, fields: object = {}): ServerBody {
  return { $case, value: { ...codecs[$case].decode(new Uint8Array()), ...fields } } as ServerBody;
}

const codecs = {
  welcome: Welcome,
  keysAnswer: KeysAnswer,
  inboxPage: InboxPage,
  inboxMoved: InboxMoved,
  roomList: RoomList,
  subscribed: Subscribed,
  blockList: BlockList,
  deviceList: DeviceList,
  accepted: Accepted,
  recordPage: RecordPage,
  roomRecords: RoomRecords,
  roomSnapshot: RoomSnapshot,
  done: Done,
};

const honest: { [Case in ClientBody['$case']]?: ServerBody } = {
  hello: told('welcome', { user: '@me:localhost', device: 1, manifest: { version: 1, hash: new Uint8Array(32) } }),
  queryKeys: told('keysAnswer'),
  fetchInbox: told('inboxPage'),
  listRooms: told('roomList'),
  subscribe: told('subscribed'),
  listBlocks: told('blockList'),
  listDevices: told('deviceList'),
};

/** One device, and the server that it talks to. */
export class ScriptedSession {
  readonly store: LocalStore;
  readonly client: LuxchatClient;
  readonly asked: ClientBody[] = [];
  #script: Script;
  #socket: ScriptedSocket | undefined;

  /** `script` answers first; what it leaves open is answered by a server that has nothing, and `done`. */
  constructor(
    script: Script,
    {
      store = new MemoryStore(),
      engine = idleEngine(),
      deviceId = 'ME',
      primitives = portablePrimitives,
      accessToken = async () => 'token',
    }: {
      store?: LocalStore;
      engine?: CryptoEngine;
      deviceId?: string;
      primitives?: Primitives;
      accessToken?: () => Promise<string>;
    } = {},
  ) {
    this.#script = script;
    this.store = store;
    this.client = new LuxchatClient({
      user: '@me:localhost',
      device: 1,
      deviceId,
      store,
      primitives,
      openEngine: async () => engine,
      login: { server: 'http://test' },
      connection: {
        url: 'ws://test/ws',
        client: 'test',
        accessToken,
        requestTimeoutMs: 200,
        backoffMaxMs: 10,
        openSocket: () => {
          this.#socket = new ScriptedSocket((asked) => this.#answer(asked));
          return this.#socket;
        },
      },
    });
  }

  /** A pushed frame. */
  push(body: ServerBody): void {
    this.#socket?.say({ request: 0, body });
  }

  async #answer(asked: ClientBody): Promise<ServerBody> {
    this.asked.push(asked);
    return (await this.#script(asked)) ?? honest[asked.$case] ?? told('done');
  }
}

class ScriptedSocket implements Socket {
  binaryType = '';
  readonly bufferedAmount = 0;
  onopen: Socket['onopen'] = null;
  onmessage: Socket['onmessage'] = null;
  onclose: Socket['onclose'] = null;
  onerror: Socket['onerror'] = null;
  readonly #answer: (asked: ClientBody) => Promise<ServerBody>;

  constructor(answer: (asked: ClientBody) => Promise<ServerBody>) {
    this.#answer = answer;
    queueMicrotask(() => this.onopen?.({}));
  }

  send(data: Uint8Array): void {
    for (const bytes of splitFrames(data)) {
      const { request, body } = ClientFrame.decode(bytes);
      if (body) void this.#answer(body).then((answer) => this.say({ request, body: answer }));
    }
  }

  close(): void {
    this.onclose?.({ code: 1000, reason: '' });
  }

  say(frame: ServerFrame): void {
    for (const message of joinFrames([ServerFrame.encode(frame).finish()]))
      this.onmessage?.({ data: message.buffer.slice(message.byteOffset, message.byteOffset + message.length) });
  }
}

/** Takes everything, knows nothing but what `more` says. */
export function idleEngine(more: Readonly<Record<string, unknown>> = {}): CryptoEngine {
  const answers: Readonly<Record<string, unknown>> = {
    on: () => () => {},
    ownKeys: async () => ({
      ed25519: new Uint8Array(32),
      curve25519: new Uint8Array(32),
      deviceJson: new Uint8Array(),
    }),
    receive: async () => ({ roomKeys: [], messages: [], dropped: 0, undecrypted: [] }),
    flush: async () => ({ sent: 0, failed: 0 }),
    verifications: () => [],
    ...more,
  };
  return new Proxy({} as CryptoEngine, {
    get: (_, name) => (name === 'then' ? undefined : (answers[String(name)] ?? (async () => {}))),
  });
}
