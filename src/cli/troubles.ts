// Why a line can't be read, in words, and what ends that. The causes themselves are for programs: `--json` has them as `trouble`.
import type { TroubleCause } from '#client/alarms.ts';

/** What a sentence about a line depends on. */
export interface TroubleOf {
  /** Its author as lines name them; `me` = who is at this device. */
  readonly who: string;
  /** Is this device confirmed? */
  readonly confirmed: boolean;
}

/** At most two sentences, of at most 120 characters each without the name. */
export function troubleSentence(cause: TroubleCause | undefined, of: TroubleOf): string {
  const { who } = of;
  switch (cause) {
    case 'NO_KEY':
      return `no key for it came to this device yet. ${asking(of)}`;
    case 'WITHHELD':
      return withheldSentence(of);
    case 'UNKNOWN_INDEX':
      return `can't be read yet: the key that came opens later lines only. ${asking(of)}`;
    case 'IDENTITY_CHANGED':
      return `${who} has another identity now. Compare what identity prints, by voice; if it is the same, approve lets them in again`;
    case 'UNKNOWN_CONTENT':
      return 'made by a newer version. Update to read it';
    case 'UNKNOWN_DEVICE':
    case 'NOT_CROSS_SIGNED':
      return `the device of ${who} is not known as theirs yet. It is tried again by itself`;
    case 'SENDER_REMOVED':
      return `not shown: it comes from a device that is not of ${who}, or not any more`;
    case 'KEY_MISMATCH':
    case 'SENDER_MISMATCH':
      return `not shown: it was not written by ${who}, as the server says`;
    case 'BINDING_MISMATCH':
    case 'REPLAY':
      return 'not shown: the server took it from another place';
    case 'BAD_CIPHERTEXT':
    case 'BAD_CONTENT':
      return "can't be read: it is damaged, or no message";
    case undefined:
      return "can't be read";
  }
}

/** What a count of such lines in `status` is called. */
export const troubleWords: Readonly<Partial<Record<TroubleCause, string>>> = {
  NO_KEY: 'without a key',
  WITHHELD: 'whose key this device was not given',
  UNKNOWN_INDEX: 'whose key opens later ones only',
  UNKNOWN_DEVICE: 'of devices that are not known yet',
  NOT_CROSS_SIGNED: 'of devices that are not confirmed',
  IDENTITY_CHANGED: 'of people with another identity',
};

function asking({ who, confirmed }: TroubleOf): string {
  const asks = `asks by itself: your other devices, your backup${who === 'me' ? '' : `, and the device of ${who}`}`;
  return confirmed ? `It ${asks}` : `Once the device is confirmed it ${asks}`;
}

/** Who wrote gives keys to confirmed devices of identities that they know: which of the two was missing only they know. */
function withheldSentence({ who, confirmed }: TroubleOf): string {
  if (!confirmed)
    return 'this device is not confirmed, so it was given no key. whoami says how to confirm it; then it asks by itself';
  if (who === 'me')
    return 'this device was not confirmed when it was written. It asks by itself: your other devices, your backup';
  return `this device was not confirmed when it was written, or ${who} has not approved you. It asks by itself; if you started over, have ${who} compare what identity prints, and approve you`;
}
