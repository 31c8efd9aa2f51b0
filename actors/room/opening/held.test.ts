import { describe, expect, it } from 'vitest';
import type { RoomMessage } from '#actors/kernel/messages.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { defaultRoomLimits } from '../limits.ts';
import { Stage } from '../testing/stage.ts';
import { Held } from './held.ts';

const ada = makeActor('@ada:lux.example');
const stage = Stage.group(ada, testPrimitives);
const kept: RoomMessage = {
  kind: 'standingKept',
  user: ada.user,
  controlNumber: 1,
  fingerprint: noBytes,
  erased: false,
};

function submit(bodyBytes: number, frame?: Uint8Array): RoomMessage & { kind: 'submit' } {
  const body = frame?.subarray(0, bodyBytes) ?? new Uint8Array(bodyBytes);
  return { kind: 'submit', from: stage.from(ada), submit: stage.event(ada, body) };
}

/** How many of these a fresh one takes. */
function taken(message: RoomMessage, limits = defaultRoomLimits): number {
  const held = new Held(limits);
  for (let n = 0; ; n++) if (!held.add(message)) return n;
}

describe('what is held until a room lives', () => {
  it('is 256 requests, or a mebibyte of them', () => {
    expect(taken(submit(10))).toBe(256);
    expect(taken(submit(40_000))).toBe(Math.floor((1_024 * 1_024) / (40_000 + 128 + headerBytes())));
    const least = 128 + headerBytes() + 500;
    expect(taken(submit(500), { ...defaultRoomLimits, heldBytesMax: 2 * least - 1 })).toBe(1);
    expect(taken(submit(500), { ...defaultRoomLimits, heldBytesMax: 2 * least })).toBe(2);
  });

  it('is besides everything that must not be lost, however many requests there are', () => {
    const held = new Held({ ...defaultRoomLimits, heldMessagesMax: 1 });
    expect(held.add(submit(1))).toBe(true);
    for (let n = 0; n < 3; n++) expect(held.add(kept)).toBe(true);
    expect(held.add(submit(1))).toBe(false);
    expect(held.take().map(({ kind }) => kind)).toEqual(['submit', 'standingKept', 'standingKept', 'standingKept']);
    expect(held.add(submit(1))).toBe(true);
  });

  it('holds on to no frame', () => {
    const frame = new Uint8Array(60_000);
    const held = new Held(defaultRoomLimits);
    const message = submit(3, frame);
    held.add({ ...message, submit: { ...message.submit, _unknownFields: { 80: [frame] } } });
    const [kept] = held.take();
    if (kept?.kind !== 'submit') throw new Error('nothing kept');
    expect(kept.submit.event?.body.buffer.byteLength).toBe(3);
    expect(kept.submit).not.toHaveProperty('_unknownFields');
    expect(kept.submit.event?.header).toEqual(message.submit.event?.header);
  });
});

function headerBytes(): number {
  return submit(500).submit.event?.header.length ?? 0;
}
