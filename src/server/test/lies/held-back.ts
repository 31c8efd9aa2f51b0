// What a client submits, caught on its way to the hub: so a liar gets an event that is truly signed, and that the true hub need never take.
import { ClientError } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { Event } from '#proto/gen/record.ts';

/** Holds back what this client submits to the room: the event, and how to let it go on to the true hub, or to refuse it for good. */
export function heldBack(
  client: LuxchatClient,
  room: string,
): { event: Promise<Event>; release: () => void; refuse: () => void } {
  const { connection } = client;
  const request = connection.request.bind(connection);
  let release = () => {};
  let refuse = () => {};
  const event = new Promise<Event>((resolve) => {
    connection.request = (body, expect) => {
      if (body.$case !== 'submit' || body.value.room !== room || !body.value.event) return request(body, expect);
      connection.request = request;
      resolve(body.value.event);
      return new Promise<void>((go, fail) => {
        release = go;
        const rejection = Rejection.REJECTION_FORBIDDEN;
        refuse = () => fail(new ClientError('REJECTED', 'The test refused it.', { rejection }));
      }).then(() => request(body, expect));
    };
  });
  return { event, release: () => release(), refuse: () => refuse() };
}
