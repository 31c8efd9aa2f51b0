// What an attack is: something that a hostile device with a real token does, and the code of codes.proto that it gets. Requests that are rejected stand
// in hostile-requests.ts, sockets that are ended in hostile-ends.ts; a code that no device can bring about names the test that shows it instead.
import type { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { type Answering, type Asking, codeOf, RawSocket } from './hostile-socket.ts';
import type { Stage } from './hostile-stage.ts';

/** A code of codes.proto by its name. */
export type Code = keyof typeof Rejection | keyof typeof Disconnect;
/** Does something hostile; the code that came back. */
export type Attack = (stage: Stage) => Promise<number>;

/** A request that every device may make. */
export const listDevices: Asking = { $case: 'listDevices', value: {} };

/** A live session of Mallory's: what it does, and the codes that it hears. */
export async function live(stage: Stage, work: (raw: RawSocket) => Promise<readonly Answering[]>): Promise<number[]> {
  const raw = await RawSocket.greet(stage.provider, stage.login.accessToken);
  try {
    return (await work(raw)).map(codeOf);
  } finally {
    raw.close();
  }
}

/** What no device can bring about, or not within a test's time: where it is shown instead. */
export const elsewhere: Readonly<Partial<Record<Code, string>>> = {
  REJECTION_UNAVAILABLE: 'actors/session/journey.test.ts',
  REJECTION_SUSPENDED: 'actors/room/posting/post.test.ts',
  DISCONNECT_SLOW_READER: 'src/server/test/slow.test.ts',
  DISCONNECT_HEARTBEAT_MISSED: 'src/server/transport/test/contract/ends.ts',
  DISCONNECT_BUSY: 'actors/kernel/system.test.ts',
  DISCONNECT_INTERNAL: 'src/server/transport/test/contract/frames.ts',
  // Its last test.
  DISCONNECT_GOING_AWAY: 'src/server/test/hostile.test.ts',
};
