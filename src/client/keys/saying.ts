// Saying something about sessions to single devices, one after the other. Guarantees: a device that can't be told stops nobody else.
import type { DeviceMessage } from '../crypto/engine.ts';
import type { DeviceId, UserId } from '../crypto/ids.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import { type SessionMessage, sessionContents, sessionMessageType } from './session-message.ts';

/** What saying needs. */
export interface SayingPorts {
  readonly parts: () => Parts;
  readonly send: (messages: readonly DeviceMessage[]) => Promise<void>;
}

/** A device of somebody. */
export interface Told {
  readonly user: UserId;
  readonly device: DeviceId;
}

/** Says this to one device, in as many messages as it takes. Rejects as requests do. */
export async function say(
  { parts, send }: SayingPorts,
  { user, device }: Told,
  message: SessionMessage,
): Promise<void> {
  for (const content of sessionContents(message)) {
    const sealed = await parts().engine.sealForDevices(sessionMessageType, content, [{ user, devices: [device] }]);
    if (sealed.length > 0) await send(sealed);
  }
}

/** Does this for each, also where it fails for one; then rejects with the first failure, or with the first bug. */
export async function forEach<Item>(items: Iterable<Item>, work: (item: Item) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  for (const item of items) await work(item).catch((error) => failures.push(error));
  if (failures.length > 0) throw failures.find((error) => !(error instanceof ClientError)) ?? failures[0];
}
