// The closed list of what can be wrong with a history: each is a promise that has to be kept through every fault, and was not.

/** Code and the sentence that it stands for. */
export const violationTexts = {
  'acked-lost': 'An accepted event is not in the final log.',
  'acked-elsewhere': 'An accepted event stands at another place, or another record stands at its place.',
  'refused-but-there': 'An event that was refused for good is in the final log.',
  'never-answered': 'A send got no answer for good.',
  'seq-hole': 'A seq between floor and head is missing.',
  'seq-duplicate': 'A seq is there twice, or the log is not in order.',
  'log-missing': 'Something happened in a room of which there is no final log.',
  'sources-differ': 'Two sources of the final log say different things.',
  'visible-not-in-log': 'Something was delivered that is not in the final log like that.',
  'send-id-twice': 'A send id of a device is in the log twice.',
  'message-twice': 'A message is in the log twice, under two send ids.',
  'acked-out-of-order': 'One was accepted before the other was sent, and does not stand before it.',
  'push-hole': 'A pushed frame is not contiguous in itself.',
  'push-backwards': 'A connection was pushed a record at or below one that it was pushed before.',
  'shown-hole': 'A device showed a record, and not one before it that it may read.',
  'shown-twice': 'A device showed a record twice, or after a later one.',
  'shown-undelivered': 'A device showed a record that nobody gave it.',
  'shown-unreadable': 'A device showed a record that it may not read.',
  'given-unreadable':
    'A device was given a record that it may not read: before it came, or after it left or was removed.',
  'device-behind': 'A device does not have the end of the log.',
  'recovery-incomplete': 'A recovery was called complete, and a record that it names never came.',
  'recovery-stale': 'A recovery was called complete, and ended below what was accepted before it was asked for.',
  'inbox-lost': 'A device message was called stored, and its device never read it.',
  'inbox-forgotten': 'An inbox entry that was not acknowledged did not come again.',
} as const;

export type ViolationCode = keyof typeof violationTexts;

/** A promise was broken. */
export interface Violation {
  readonly code: ViolationCode;
  /** Room, or device where it is about an inbox. */
  readonly where: string;
  readonly what: string;
}

/** Hears of each. */
export type Wrong = (violation: Violation) => void;

/** More of one code are counted and not kept. */
const keptMaxPerCode = 20;

/** Collects violations, each said once. */
export class Violations {
  readonly found: Violation[] = [];
  readonly counts = new Map<ViolationCode, number>();
  readonly #said = new Set<string>();

  readonly add: Wrong = (violation) => {
    const { code, where, what } = violation;
    const said = `${code} ${where} ${what}`;
    if (this.#said.has(said)) return;
    const count = (this.counts.get(code) ?? 0) + 1;
    this.counts.set(code, count);
    if (count > keptMaxPerCode) return;
    this.#said.add(said);
    this.found.push(violation);
  };
}
