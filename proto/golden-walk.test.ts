// The walk in README.md: what stands there is what is made, and what is made is the golden record on its way.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ClientFrame, ServerFrame } from './gen/client.ts';
import { testPrimitives } from './golden/cast.ts';
import { walk } from './golden/walk.ts';
import { recordHash } from './rules/bytes/hash.ts';

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
const readme = read('README.md');
const rules = JSON.parse(read('golden/rules.json')) as {
  readonly records: readonly { readonly header: string; readonly stamp: string; readonly body: string; hash: string }[];
};
const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex');
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

it('stands in README.md as it is made (else: npx node proto/golden/walk.ts)', () => {
  const [, between = ''] = /<!-- walk -->\n```\n([\s\S]*?)\n```\n<!-- \/walk -->/.exec(readme) ?? [];
  expect(between.trim().split('\n')).toEqual(walk().join('\n').trim().split('\n'));
});

it('is four frames whose bytes are the golden record, its place and its hash', () => {
  const messages = walk()
    .join('\n')
    .split(/^# .*$/m)
    .slice(1)
    .map((part) => bytes(part.replace(/^ *([0-9a-f]+).*$/gm, '$1').replace(/\s/g, '')));
  const frames = messages.map((message) => {
    // A length below 128 is one byte, one below 16,384 two.
    const prefix = message[0]! < 128 ? 1 : 2;
    const length = prefix === 1 ? message[0]! : (message[0]! & 0x7f) + message[1]! * 128;
    expect(message.length - prefix).toBe(length);
    return message.subarray(prefix);
  });
  const [hello, submit] = [frames[0]!, frames[2]!].map((frame) => ClientFrame.decode(frame));
  const [welcome, accepted] = [frames[1]!, frames[3]!].map((frame) => ServerFrame.decode(frame));
  expect([hello, submit].map((frame) => frame?.body?.$case)).toEqual(['hello', 'submit']);
  expect([welcome, accepted].map((frame) => frame?.body?.$case)).toEqual(['welcome', 'accepted']);
  if (submit?.body?.$case !== 'submit' || accepted?.body?.$case !== 'accepted') throw new Error('another walk');
  const golden = rules.records[2]!;
  const { event } = submit.body.value;
  expect([hex(event?.header), hex(event?.body)]).toEqual([golden.header, golden.body]);
  const hash = hex(recordHash(bytes(golden.stamp), event!.header, testPrimitives));
  expect([hex(accepted.body.value.hash), golden.hash]).toEqual([hash, hash]);
});

it('lists the groups of vectors that are in golden/rules.json', () => {
  const [, table = ''] = readme.split('| vectors | to check |');
  const rows = Array.from(table.split('\n\n')[0]?.matchAll(/^\| `([a-zA-Z]+)` \|/gm) ?? [], ([, name]) => name);
  expect(rows).toEqual(Object.keys(rules));
});
