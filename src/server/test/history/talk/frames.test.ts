import { expect, it } from 'vitest';
import { ServerFrame } from '#proto/gen/client.ts';
import { Stamp } from '#proto/gen/record.ts';
import { zeroHash } from '#proto/rules/bytes/bytes.ts';
import { Frames } from './frames.ts';

it('decodes a frame once, and tells those apart that differ anywhere', () => {
  const frames = new Frames();
  const first = frames.pushed(frameOf(7, 1));
  expect(first).toMatchObject({ room: '!room', records: [{ seq: 7 }] });
  expect(frames.pushed(frameOf(7, 1))).toBe(first);
  const bytes = frameOf(7, 1);
  for (let at = bytes.length - 5; at < bytes.length; at++) {
    const other = Buffer.from(bytes);
    other[at] = (other[at] as number) ^ 1;
    expect(frames.pushed(other)).not.toBe(first);
  }
  expect(frames.pushed(frameOf(7, 2))?.records[0]?.hash).not.toBe(first?.records[0]?.hash);
});

it('leaves other frames alone', () => {
  const value = { head: 1 };
  const moved = ServerFrame.encode({ request: 0, body: { $case: 'inboxMoved', value } }).finish();
  expect(new Frames().pushed(moved)).toBeNull();
});

function frameOf(seq: number, acceptedMs: number): Uint8Array {
  const stamp = Stamp.encode({ incarnation: 1, seq, acceptedMs, count: 1, previousHash: zeroHash }).finish();
  const record = { stamp, header: new Uint8Array(40), body: new Uint8Array(20), emptiedBy: 0 };
  const value = { room: '!room', records: [record], persons: [], credentials: [] };
  return ServerFrame.encode({ request: 0, body: { $case: 'roomRecords', value } }).finish();
}
