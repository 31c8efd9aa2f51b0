// Step-ups of a logged-in device: a fresh login with LuxID and a code by SMS, for one purpose, which gives a grant for one request. The verifier lies in the
// local store until the person comes back, since in a browser the page goes away meanwhile. The grant itself is never kept: it lasts minutes.
import { Rejection } from '#proto/gen/codes.ts';
import { LocalStepUp } from '#proto/gen/local.ts';
import {
  completeStepUp,
  LoginError,
  type LoginServer,
  readReturn,
  type StepUpGrant,
  type StepUpPurpose,
  startLogin,
} from '../connection/login.ts';
import { ClientError, loggedOutSentence } from '../errors.ts';
import type { LocalStore } from '../store/store.ts';

/** How to begin a step-up. */
export interface BeginStepUp {
  readonly purpose: StepUpPurpose;
  /** Where the person comes back to, as at a login. */
  readonly redirect: string;
  readonly client: 'terminal' | 'web';
  /** Two letters, such as `de`. */
  readonly language?: string;
}

/** What step-ups need. */
export interface StepUpsOptions {
  readonly store: LocalStore;
  readonly server: LoginServer;
  /** Rejects with ClientError. */
  readonly accessToken: (expired: boolean) => Promise<string>;
  readonly now: () => number;
}

// The server gives up on a person after the same time.
const stepUpMs = 10 * 60_000;
const row = { table: 'account', key: 'step up' } as const;

/** The step-ups of a device, one at a time. */
export class StepUps {
  readonly #options: StepUpsOptions;

  constructor(options: StepUpsOptions) {
    this.#options = options;
  }

  /** Resolves to the address to send the person to. An earlier one that was begun is worth nothing any more. */
  async begin(options: BeginStepUp): Promise<string> {
    const { server, store, now } = this.#options;
    const { authorizeUrl, verifier } = await startLogin(server, options).catch(explain);
    const begun = LocalStepUp.encode({ purpose: options.purpose, verifier, begunMs: now() }).finish();
    await store.write([{ ...row, value: begun }]);
    return authorizeUrl;
  }

  /** `address` is where the person came back to, for the purpose that it was begun for. May be repeated where the server could not be asked. */
  async finish(purpose: StepUpPurpose, address: string): Promise<StepUpGrant> {
    const { store, now } = this.#options;
    const kept = await store.get(row.table, row.key);
    const begun = kept && LocalStepUp.decode(kept);
    if (begun?.purpose !== purpose || Math.abs(now() - begun.begunMs) > stepUpMs)
      throw new ClientError('STEP_UP_NEEDED', 'No such step-up was begun here in the last ten minutes.');
    try {
      const grant = await this.#complete(readReturn(address), begun.verifier);
      await this.#forget();
      return { ...grant, purpose };
    } catch (error) {
      if (error instanceof LoginError && isOver(error)) await this.#forget();
      return explain(error);
    }
  }

  async #complete(login: string, verifier: string): Promise<StepUpGrant> {
    const { server, accessToken } = this.#options;
    const complete = async (expired: boolean) =>
      completeStepUp(server, { login, verifier, accessToken: await accessToken(expired) });
    return complete(false).catch((error) => {
      // Replaced meanwhile, or our clock is wrong: the code is as good as before.
      if (error instanceof LoginError && error.code === 'TOKEN_INVALID') return complete(true);
      throw error;
    });
  }

  #forget(): Promise<void> {
    return this.#options.store.write([{ ...row, value: undefined }]);
  }
}

/** Came the step-up to nothing, whoever is to blame? Then only a new one helps. */
function isOver({ code }: LoginError): boolean {
  return ['LOGIN_DENIED', 'LOGIN_INVALID', 'LUXID_REFUSED', 'ABORTED'].includes(code);
}

/** A failure of the login server in the words of the SDK. */
export function explain(cause: unknown): never {
  if (!(cause instanceof LoginError)) throw cause;
  const { code, message, retryAfterMs } = cause;
  const more = { cause, retryAfterMs };
  if (isOver(cause)) throw new ClientError('STEP_UP_NEEDED', message, more);
  switch (code) {
    case 'RATE_LIMITED':
      throw new ClientError('REJECTED', message, { ...more, rejection: Rejection.REJECTION_RATE_LIMITED });
    case 'TOKEN_INVALID':
      throw new ClientError('LOGIN_NEEDED', loggedOutSentence, more);
    case 'REDIRECT_REFUSED':
      throw new ClientError('BAD_ARGUMENT', message, more);
    case 'OFFLINE':
    case 'UNAVAILABLE':
    case 'LUXID_UNAVAILABLE':
      throw new ClientError('OFFLINE', message, more);
    default:
      throw new ClientError('PROTOCOL', message, more);
  }
}
