// What login's handlers see and return: the same shapes as the edge's, so that any HTTP server can mount them, and the few answers they make.
import { type AuthCode, authCodes, type Refusal } from '../codes.ts';

/** One request. */
export interface AuthRequest {
  /** Upper case. */
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Bucket key of the sender: an address or network. Counted, never logged or stored. */
  readonly source: string;
}

/** One answer. */
export interface AuthAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A JSON answer. */
export function json(status: number, value: object, headers: Readonly<Record<string, string>> = {}): AuthAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(value),
  };
}

/** A refusal as `{code, message}`, with Retry-After in whole seconds where waiting helps. */
export function refusalAnswer({ refused, retryAfterMs, message }: Refusal): AuthAnswer {
  const [status, sentence] = authCodes[refused];
  const retry: Readonly<Record<string, string>> =
    retryAfterMs > 0 ? { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) } : {};
  return json(status, { code: refused satisfies AuthCode, message: message ?? sentence }, retry);
}

/** Sends a browser on. */
export function redirectTo(address: string): AuthAnswer {
  return {
    status: 302,
    headers: { location: address, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
    body: '',
  };
}

const endedSentences: Readonly<Record<string, string>> = {
  en: 'This login has ended. Go back to the app and start again.',
  de: 'Diese Anmeldung ist beendet. Gehen Sie zurück zur App und beginnen Sie von vorn.',
  fr: "Cette connexion est terminée. Retournez à l'application et recommencez.",
  lb: 'Dësen Login ass eriwwer. Gitt zréck an d’App a fänkt nei un.',
  pt: 'Este início de sessão terminou. Volte à aplicação e comece de novo.',
};

/** What a person's browser shows where a login can't be taken back to any app, in the first language it names that is known. */
export function endedPage(status: number, acceptLanguage: string | undefined): AuthAnswer {
  const asked = (acceptLanguage ?? '')
    .slice(0, 200)
    .split(',')
    .map((item) => item.trim().slice(0, 2).toLowerCase());
  const sentence = endedSentences[asked.find((language) => Object.hasOwn(endedSentences, language)) ?? 'en']!;
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
    body: `${sentence}\n`,
  };
}
