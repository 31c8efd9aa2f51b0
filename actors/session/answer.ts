// Encoding what goes to the device: one ServerFrame, without the length in front of it, which is the transport's.

import { rejected } from '#actors/kernel/effects.ts';
import type { AnswerBody } from '#actors/kernel/messages.ts';
import { ServerFrame } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { encodePassing } from '#proto/rules/bytes/encode.ts';

/** The answer to a request. One longer than `bytesMax` becomes TOO_LARGE: the device asks for less. */
export function answerFrame(request: number, body: AnswerBody, bytesMax: number): Uint8Array {
  const frame = encodePassing(ServerFrame, { request, body });
  if (frame.length <= bytesMax) return frame;
  return ServerFrame.encode({ request, body: rejected(Rejection.REJECTION_TOO_LARGE) }).finish();
}
