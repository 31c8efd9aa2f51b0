// Logging in, and stepping up, from a terminal: the person's browser comes back to a listener on this machine (RFC 8252), whose path is random, so that no other
// page or program can answer in its place. Nothing is opened by itself; the address is shown.
import { randomBytes } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Luxchat } from '../api.ts';
import {
  completeLogin,
  type LoggedIn,
  LoginError,
  type LoginServer,
  readReturn,
  type StepUpGrant,
  type StepUpPurpose,
  startLogin,
} from '../connection/login.ts';
import { explain } from '../devices/step-up.ts';

/** How long the person may take; the server gives up after the same time. */
export const terminalLoginMs = 10 * 60_000;

/** How a person's browser is used. */
export interface ByBrowser {
  /** Two letters, such as `de`. */
  readonly language?: string;
  /** Shows the person the address to open. */
  readonly show: (authorizeUrl: string) => void;
  /** Stops waiting. */
  readonly signal?: AbortSignal;
}

/** How to log in with a browser. */
export interface TerminalLogin extends ByBrowser {
  /** 1 to 64 characters. */
  readonly deviceName: string;
}

/** Logs in with the person's browser. Rejects with LoginError; ABORTED after ten minutes or when `signal` says so. */
export async function terminalLogin(at: LoginServer, options: TerminalLogin): Promise<LoggedIn> {
  let verifier = '';
  const address = await thereAndBack(options, async (way) => {
    const started = await startLogin(at, way);
    verifier = started.verifier;
    return started.authorizeUrl;
  });
  return completeLogin(at, { login: readReturn(address), verifier, deviceName: options.deviceName });
}

/** A step-up of this device with the person's browser. Rejects as `finishStepUp`; STEP_UP_NEEDED after ten minutes or when `signal` says so. */
export async function terminalStepUp(
  client: Pick<Luxchat, 'beginStepUp' | 'finishStepUp'>,
  options: ByBrowser & { readonly purpose: StepUpPurpose },
): Promise<StepUpGrant> {
  const { purpose } = options;
  const address = await thereAndBack(options, (way) => client.beginStepUp({ ...way, purpose })).catch(explain);
  return client.finishStepUp(purpose, address);
}

/** Where the person's browser came back to, after `begin` said where to send it. */
async function thereAndBack(
  { language, show, signal }: ByBrowser,
  begin: (way: { redirect: string; client: 'terminal'; language?: string }) => Promise<string>,
): Promise<string> {
  const path = `/${randomBytes(16).toString('hex')}`;
  const listener = createServer();
  await new Promise<void>((listening, failed) => {
    listener.once('error', failed);
    listener.listen(0, '127.0.0.1', listening);
  });
  try {
    const redirect = `http://127.0.0.1:${(listener.address() as AddressInfo).port}${path}`;
    const way = { redirect, client: 'terminal', ...(language === undefined ? {} : { language }) } as const;
    const authorizeUrl = await begin(way);
    const returned = comeBack(listener, path, signal);
    show(authorizeUrl);
    return await returned;
  } finally {
    listener.close();
    listener.closeIdleConnections();
  }
}

function comeBack(listener: Server, path: string, signal: AbortSignal | undefined): Promise<string> {
  const deadline = AbortSignal.timeout(terminalLoginMs);
  const stop = signal ? AbortSignal.any([signal, deadline]) : deadline;
  return new Promise((returned, failed) => {
    const abort = () => failed(new LoginError('ABORTED', 'The login was not finished.'));
    if (stop.aborted) return abort();
    stop.addEventListener('abort', abort, { once: true });
    listener.on('request', (request, response) => {
      const address = request.url ?? '';
      const known = request.method === 'GET' && address.split('?')[0] === path;
      answer(response, known ? 200 : 404, request.headers['accept-language']);
      if (known) returned(address);
    });
  });
}

const doneSentences: Readonly<Record<string, string>> = {
  en: 'You can close this page and go back to the terminal.',
  de: 'Sie können diese Seite schließen und zum Terminal zurückkehren.',
  fr: 'Vous pouvez fermer cette page et retourner au terminal.',
  lb: 'Dir kënnt dës Säit zoumaachen an an den Terminal zréckgoen.',
  pt: 'Pode fechar esta página e voltar ao terminal.',
};

function answer(response: ServerResponse, status: number, acceptLanguage: string | undefined): void {
  const asked = (acceptLanguage ?? '').split(',').map((item) => item.trim().slice(0, 2).toLowerCase());
  const sentence = doneSentences[asked.find((language) => Object.hasOwn(doneSentences, language)) ?? 'en'];
  // The connection closes with the answer: a browser that keeps it open would keep the terminal waiting.
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'referrer-policy': 'no-referrer',
    connection: 'close',
  });
  response.end(status === 200 ? `${sentence}\n` : '');
}
