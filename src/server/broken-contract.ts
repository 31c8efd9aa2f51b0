// An actor that used its log wrongly, as the operator's log shows it: one stable code for each way in which it can. Texts may change, codes never.
// It is a bug of ours; the log that was used wrongly has failed, and its actor begins anew from the store.

/** The closed list: what the log says (`actors/log`), and its code. */
export const contractCodes = {
  'a log is opened once, first': 'LOG_NOT_OPENED_ONCE',
  'a log was used before it was open': 'LOG_NOT_OPEN',
  'sealed without being asked': 'LOG_NOT_SEALING',
  'closed while rows are under way': 'LOG_NOT_QUIET',
  'append out of order': 'LOG_OUT_OF_ORDER',
  'a row that is not covered is rewritten': 'LOG_REWRITES_UNCOVERED',
  'a state row with a bad key': 'LOG_BAD_KEY',
  'a state row is too large': 'LOG_VALUE_TOO_LARGE',
  'a state row of an event that is not covered': 'LOG_STATE_UNCOVERED',
} as const;

/** A code of the list, or LOG_OTHER for a reason that it does not have. */
export type ContractCode = (typeof contractCodes)[keyof typeof contractCodes] | 'LOG_OTHER';

/** The contract of a log was broken. */
export class ContractBroken extends Error {
  override readonly name = 'ContractBroken';
  readonly code: ContractCode;

  constructor(reason: string) {
    super(reason);
    this.code = (contractCodes as Readonly<Record<string, ContractCode>>)[reason] ?? 'LOG_OTHER';
  }
}
