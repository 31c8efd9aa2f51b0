// Hostile sockets: what ends a session, or a connection before there is one, and the code that it ends with.
import { logout } from '#client/connection/login.ts';
import type { Disconnect } from '#proto/gen/codes.ts';
import { type Attack, listDevices, live } from './hostile-attacks.ts';
import { frameOf, helloOf, RawSocket, rawLogin } from './hostile-socket.ts';
import type { Stage } from './hostile-stage.ts';

/** A socket that says hello, where asked to, and then these bytes: the code with which it ends. */
const ends =
  (how: { readonly greeted: boolean }, bytes: (stage: Stage) => Uint8Array | string): Attack =>
  async (stage) => {
    const raw = how.greeted
      ? await RawSocket.greet(stage.provider, stage.login.accessToken)
      : await RawSocket.open(stage.provider);
    raw.bytes(bytes(stage));
    return raw.ended;
  };

const fresh = { greeted: false };
const greeted = { greeted: true };
const one = (frame: Uint8Array) => Uint8Array.of(frame.length, ...frame);

/** Hostile sockets, and the code that ends each. */
export const disconnects: readonly (readonly [keyof typeof Disconnect, string, Attack])[] = [
  [
    'DISCONNECT_HELLO_TIMEOUT',
    'a socket that never says hello',
    async (stage) => (await RawSocket.open(stage.provider)).ended,
  ],
  ['DISCONNECT_TOKEN_EXPIRED', 'a token that nobody gave', ends(fresh, () => one(frameOf(1, helloOf('nonsense'))))],
  [
    'DISCONNECT_TOKEN_EXPIRED',
    'a token over its size',
    async (stage) => {
      const raw = await RawSocket.open(stage.provider);
      raw.frames(frameOf(1, helloOf('t'.repeat(257))));
      return raw.ended;
    },
  ],
  [
    'DISCONNECT_TOKEN_EXPIRED',
    'the token of a device that was logged out',
    async ({ provider }) => {
      const gone = await rawLogin(provider, 'mallory', 'gone');
      (await RawSocket.greet(provider, gone.accessToken)).close();
      await logout({ server: provider.url }, gone.accessToken);
      const raw = await RawSocket.open(provider);
      raw.frames(frameOf(1, helloOf(gone.accessToken)));
      return raw.ended;
    },
  ],
  [
    'DISCONNECT_LOGGED_OUT',
    'a session whose device is logged out',
    async (stage) => {
      const gone = await rawLogin(stage.provider, 'mallory', 'gone');
      const raw = await RawSocket.greet(stage.provider, gone.accessToken);
      await live(stage, async (other) => [
        await other.ask({ $case: 'removeDevice', value: { device: gone.deviceNumber } }),
      ]);
      return raw.ended;
    },
  ],
  [
    'DISCONNECT_REPLACED',
    'the same device twice',
    async (stage) => {
      const raw = await RawSocket.greet(stage.provider, stage.login.accessToken);
      (await RawSocket.greet(stage.provider, stage.login.accessToken)).close();
      return raw.ended;
    },
  ],
  ['DISCONNECT_MALFORMED_FRAME', 'an empty message', ends(greeted, () => new Uint8Array())],
  ['DISCONNECT_MALFORMED_FRAME', 'an empty frame', ends(greeted, () => Uint8Array.of(0))],
  ['DISCONNECT_MALFORMED_FRAME', 'a truncated frame', ends(greeted, () => Uint8Array.of(9, 8, 1))],
  [
    'DISCONNECT_MALFORMED_FRAME',
    'a length that is not in shortest form',
    ends(greeted, () => Uint8Array.of(0x82, 0x00, 8, 1)),
  ],
  ['DISCONNECT_MALFORMED_FRAME', 'a frame of garbage', ends(greeted, () => one(Uint8Array.of(0xff, 0xff, 0xff, 0xff)))],
  [
    'DISCONNECT_MALFORMED_FRAME',
    'garbage instead of hello',
    ends(fresh, () => one(Uint8Array.of(0x12, 0x7f, 1, 2, 3))),
  ],
  ['DISCONNECT_MALFORMED_FRAME', 'a request without a number', ends(greeted, () => one(frameOf(0, listDevices)))],
  [
    'DISCONNECT_MALFORMED_FRAME',
    'more tiny frames than a message may hold',
    ends(greeted, () => new Uint8Array(2_100).map((_, at) => (at % 2 === 0 ? 1 : 8))),
  ],
  [
    'DISCONNECT_FRAME_TOO_LARGE',
    'a frame over 64 KiB',
    ends(greeted, () => Uint8Array.of(0x81, 0x80, 0x04, ...new Uint8Array(65_537))),
  ],
  [
    'DISCONNECT_FRAME_TOO_LARGE',
    'a length over any limit',
    ends(greeted, () => Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 1)),
  ],
  ['DISCONNECT_TEXT_NOT_ALLOWED', 'a text message', ends(greeted, () => 'GET / HTTP/1.1')],
  ['DISCONNECT_OUT_OF_STATE', 'a request before hello', ends(fresh, () => one(frameOf(1, listDevices)))],
  [
    'DISCONNECT_OUT_OF_STATE',
    'typing before hello',
    ends(fresh, ({ group }) => one(frameOf(0, { $case: 'sendEphemeral', value: { room: group, kind: 1 } }))),
  ],
  [
    'DISCONNECT_OUT_OF_STATE',
    'a second hello',
    ends(greeted, ({ login }) => one(frameOf(9, helloOf(login.accessToken)))),
  ],
  [
    'DISCONNECT_UNSUPPORTED_VERSION',
    'a hello of another version',
    ends(fresh, ({ login }) => one(frameOf(1, helloOf(login.accessToken, 2)))),
  ],
  [
    'DISCONNECT_FLOODING',
    'frames that keep coming after rejections',
    async (stage) => {
      const raw = await RawSocket.greet(stage.provider, stage.login.accessToken);
      for (let round = 0; round < 10; round++)
        raw.frames(...Array.from({ length: 50 }, (_, at) => frameOf(1_000 + round * 50 + at, undefined)));
      return raw.ended;
    },
  ],
];
