import { describe, expect, it } from 'vitest';
import { answerFrame } from '#actors/session/answer.ts';
import { ClientFrame } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { PostTimes } from './post-times.ts';

const submit = (request: number) => {
  const value = { room: '!r:localhost', event: undefined, partner: '' };
  return ClientFrame.encode({ request, body: { $case: 'submit', value } }).finish();
};
const accepted = (request: number) => {
  const value = { seq: 7, acceptedMs: 1, hash: new Uint8Array(32), control: undefined };
  return answerFrame(request, { $case: 'accepted', value }, 65_536);
};
const rejected = (request: number) => {
  const value = { code: Rejection.REJECTION_BUSY, retryAfterMs: 0, control: undefined, manifest: undefined };
  return answerFrame(request, { $case: 'rejected', value }, 65_536);
};

function timed() {
  const clock = { ms: 0 };
  return { clock, posts: new PostTimes(() => clock.ms) };
}

describe('what is posted', () => {
  it.each([1, 127, 128, 16_384, 4_294_967_295])('is timed until its answer, as request %d', (request) => {
    const { clock, posts } = timed();
    posts.received(1, [submit(request)]);
    clock.ms = 30;
    posts.pushed(2, accepted(request));
    posts.pushed(1, accepted(request - 1));
    expect([posts.accepted.count, posts.waiting]).toEqual([0, 1]);
    posts.pushed(1, accepted(request));
    posts.pushed(1, accepted(request));
    expect([posts.accepted.count, posts.accepted.sumMs, posts.waiting]).toEqual([1, 30, 0]);
  });

  it('is counted apart where it is rejected', () => {
    const { posts } = timed();
    posts.received(1, [submit(1), submit(2)]);
    posts.pushed(1, rejected(2));
    posts.pushed(1, accepted(1));
    expect([posts.accepted.count, posts.rejected, posts.waiting]).toEqual([1, 1, 0]);
  });

  it('is forgotten with its session, and kept for no more than may be under way', () => {
    const { posts } = timed();
    posts.received(1, [submit(1)]);
    posts.closed(1);
    expect(posts.waiting).toBe(0);
    for (let request = 1; request <= 65; request++) posts.received(2, [submit(request)]);
    for (let request = 1; request <= 65; request++) posts.pushed(2, accepted(request));
    expect(posts.accepted.count).toBe(64);
  });

  it('is nothing else, and nothing that is cut off', () => {
    const { posts } = timed();
    const hello = { version: 1, accessToken: 'x', client: 'x', quiet: false };
    const frames = [
      ClientFrame.encode({ request: 1, body: { $case: 'hello', value: hello } }).finish(),
      submit(0),
      Uint8Array.of(0x08),
      Uint8Array.of(0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x32),
      Uint8Array.of(0x32),
    ];
    posts.received(1, frames);
    expect(posts.waiting).toBe(0);
  });
});
