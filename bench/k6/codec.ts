// The project's own codec inside k6, which has no TextEncoder: texts of the protocol are turned into bytes the old way.
import { configureTextEncoding } from '@bufbuild/protobuf/wire';
import { ClientFrame, ServerFrame } from '#proto/gen/client.ts';
import { Algorithm, EventHeader, EventKind, Stamp } from '#proto/gen/record.ts';
import { framedBytes, splitFrames, writeFrame } from '#proto/rules/bytes/frames.ts';

configureTextEncoding({
  checkUtf8: () => true,
  encodeUtf8: (text) => {
    const letters = unescape(encodeURIComponent(text));
    const bytes = new Uint8Array(letters.length);
    for (let at = 0; at < bytes.length; at++) bytes[at] = letters.charCodeAt(at);
    return bytes;
  },
  decodeUtf8: (bytes) => {
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return decodeURIComponent(escape(text));
  },
});

export { Algorithm, EventHeader, EventKind, ServerFrame, Stamp, splitFrames };
export type Answer = NonNullable<ServerFrame['body']>;

/** A message of one frame. k6 keeps what it is given to send: every call makes a new one. */
export function messageOf(request: number, body: NonNullable<ClientFrame['body']>): ArrayBuffer {
  const frame = ClientFrame.encode({ request, body }).finish();
  const message = new Uint8Array(framedBytes(frame.length));
  writeFrame(message, 0, frame);
  return message.buffer;
}
