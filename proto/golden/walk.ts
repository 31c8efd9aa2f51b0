// The shortest conversation, byte by byte: Hello, Welcome, Submit, Accepted. The event and its acceptance are the third golden record (rules.json), the
// rest follows from names. `npx node proto/golden/walk.ts` prints what stands in README.md; a test compares the two.
import { readFileSync } from 'node:fs';
import type protobuf from 'protobufjs';
import { ClientFrame, ServerFrame } from '../gen/client.ts';
import { EventHeader, Stamp } from '../gen/record.ts';
import { joinFrames } from '../rules/bytes/frames.ts';
import { limits } from '../rules/limits.ts';
import { bytesOf } from './cast.ts';
import { ada } from './people.ts';
import { messageTypes } from './sample.ts';

interface GoldenRecord {
  readonly body: string;
  readonly header: string;
  readonly stamp: string;
  readonly hash: string;
}

const types = new Map<string, protobuf.Type>(messageTypes().map((type) => [type.name, type]));
/** Bytes that hold a message of their own. */
const inside: Readonly<Record<string, string>> = { 'Event.header': 'EventHeader' };

/** The lines of the transcript. */
export function walk(): string[] {
  const rules = JSON.parse(readFileSync(new URL('rules.json', import.meta.url), 'utf8')) as {
    records: readonly GoldenRecord[];
  };
  const golden = rules.records[2]!;
  const [header, body, hash] = [bytes(golden.header), bytes(golden.body), bytes(golden.hash)];
  const { seq, acceptedMs } = Stamp.decode(bytes(golden.stamp));
  const { room, control } = EventHeader.decode(header);
  const accessToken = `lxa_${Buffer.from(bytesOf('family', 16)).toString('base64url')}${Buffer.from(bytesOf('token')).toString('base64url')}`;
  const hello = { version: 1, accessToken, client: 'walk 1', quiet: false };
  const welcome = {
    ...{ user: ada.user, device: 1, deviceId: ada.device(1).id, serverMs: acceptedMs - 1_000 },
    ...{ frameBytesMax: limits.frameBytesMax, bodyBytesMax: limits.bodyBytesMax, requestsMax: limits.requestsMax },
    ...{ heartbeatSeconds: 30, inboxHead: 1, inboxCursor: 1, needsFullSync: false },
    ...{ keys: undefined, manifest: undefined, reactivated: false },
  };
  const submit = { room, event: { header, body }, person: undefined, credential: undefined, partner: '' };
  const client = (request: number, said: ClientFrame['body']) => ClientFrame.encode({ request, body: said }).finish();
  const server = (request: number, said: ServerFrame['body']) => ServerFrame.encode({ request, body: said }).finish();
  return [
    ...said('device: Hello', 'ClientFrame', client(1, { $case: 'hello', value: hello })),
    ...said('server: Welcome', 'ServerFrame', server(1, { $case: 'welcome', value: welcome })),
    ...said('device: Submit', 'ClientFrame', client(2, { $case: 'submit', value: submit })),
    ...said(
      'server: Accepted, the acknowledgement',
      'ServerFrame',
      server(2, { $case: 'accepted', value: { seq, acceptedMs, hash, control } }),
    ),
  ].map((line) => line.trimEnd());
}

function said(title: string, type: string, frame: Uint8Array): string[] {
  const [message] = joinFrames([frame]);
  const prefix = message!.subarray(0, message!.length - frame.length);
  const length = line(prefix, 0, `length of the frame: ${frame.length} bytes`);
  return [`# ${title}`, length, ...fields(types.get(type)!, frame, 1), ''];
}

/** One line a field: its bytes, its name, what it says. */
function fields(type: protobuf.Type, message: Uint8Array, depth: number): string[] {
  const lines: string[] = [];
  for (let at = 0; at < message.length; ) {
    const from = at;
    const tag = varint(message, at);
    const field = type.fieldsById[Math.floor(tag.value / 8)]!;
    const number = varint(message, tag.end);
    at = number.end;
    if (tag.value % 8 === 0) {
      const { resolvedType } = field.resolve();
      const word =
        resolvedType !== null && 'valuesById' in resolvedType ? ` ${resolvedType.valuesById[number.value]}` : '';
      lines.push(line(message.subarray(from, at), depth, `${snake(field.name)} ${number.value}${word}`));
      continue;
    }
    const value = message.subarray(at, at + number.value);
    at += number.value;
    const name = inside[`${type.name}.${field.name}`];
    const nested = name === undefined ? field.resolve().resolvedType : types.get(name)!;
    if (nested !== null && 'fieldsById' in nested) {
      const head = `${snake(field.name)}${name === undefined ? '' : ` (${name})`}, ${value.length} bytes`;
      lines.push(line(message.subarray(from, number.end), depth, head), ...fields(nested, value, depth + 1));
    } else {
      const text = field.type === 'string' ? `"${Buffer.from(value).toString()}"` : `${value.length} bytes`;
      lines.push(
        line(message.subarray(from, number.end), depth, `${snake(field.name)}: ${text}`),
        line(value, depth + 1, ''),
      );
    }
  }
  return lines;
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function line(hex: Uint8Array, depth: number, words: string): string {
  const text = `${'  '.repeat(depth)}${Buffer.from(hex).toString('hex')}`;
  return words === '' ? text : `${text.padEnd(24)}${words}`;
}

function varint(message: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let end = at, factor = 1; ; end++, factor *= 128) {
    const byte = message[end]!;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end: end + 1 };
  }
}

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

if (import.meta.main) console.log(walk().join('\n'));
