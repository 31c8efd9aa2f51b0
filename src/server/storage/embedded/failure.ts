// Whether a store still knows what is on its disk: one for all files of a store, since a write may span several. After the first write that failed it
// says so for good, and tells once why.
import { getSystemErrorName } from 'node:util';
import { StorageError } from '../store.ts';

/** What lmdb rejects a write with; the system's own error comes later, by a promise of its own. */
interface CommitFailed {
  readonly commitError?: Promise<never>;
}

export class Failure {
  readonly #told: (failure: StorageError, cause: string) => void;
  #error: StorageError | null = null;

  /** `told` hears of the first failure, with the system's name for its cause, such as ENOSPC. */
  constructor(told: (failure: StorageError, cause: string) => void) {
    this.#told = told;
  }

  get isThere(): boolean {
    return this.#error !== null;
  }

  /** Throws WRITE_FAILED once a write has failed. */
  check(): void {
    if (this.#error !== null) throw this.#error;
  }

  /** A write failed: returns the store's one error. */
  note(cause: unknown): StorageError {
    if (cause === this.#error) return this.#error as StorageError;
    const { commitError } = cause as CommitFailed;
    if (this.#error !== null) {
      // Unheard it would end the process.
      commitError?.catch(() => {});
      return this.#error;
    }
    const failure = new StorageError('WRITE_FAILED', 'A write did not reach the disk', { cause });
    this.#error = failure;
    const tell = (system: unknown) => this.#told(failure, causeOf(system));
    if (commitError === undefined) tell(cause);
    else commitError.catch(tell);
    return failure;
  }
}

function causeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return code;
  return typeof code === 'number' && code > 0 ? getSystemErrorName(-code) : 'OTHER';
}
