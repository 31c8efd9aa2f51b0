// Devices of a person as tests of user actors have them come in and put up their keys.
import type { UploadKeys } from '#proto/gen/client.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import type { AnswerBody } from '../../kernel/messages.ts';
import type { AskingSession, Street } from './street.ts';

/** A person with keys, as `proto/golden/cast.ts` makes them. */
interface Person {
  readonly user: string;
  device(number: number): { readonly id: string };
}

/** A device of the person connects, in a session of the same number. */
export function connects(street: Street, person: Person, device: number): void {
  const { id: deviceId } = person.device(device);
  street.tell(person.user, { kind: 'hello', session: device, device, deviceId, deviceName: 'phone' });
}

/** A device puts up some of its keys; the answer. */
export function uploads(street: Street, asker: AskingSession, parts: Partial<UploadKeys>): AnswerBody | undefined {
  const value = { deviceJson: noBytes, oneTimeKeys: [], fallbackKeys: [], ...parts };
  return street.ask(asker, { $case: 'uploadKeys', value });
}
