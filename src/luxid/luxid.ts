// The stand-in LuxID: an OpenID provider with its own pages, on the loopback address only. People prove who they are by user name, password and
// a six-digit code that nobody sends: `sendCode` hears it. It guards nothing real and refuses to run where the environment says production.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Provider from 'oidc-provider';
import { errors, type Interaction } from 'oidc-provider';
import { openKeys } from './keys.ts';
import { chooseLanguage, type Language } from './labels.ts';
import { acrPasswordAndSms, amrPasswordAndSms, openIdProvider } from './oidc.ts';
import { codePage, contentSecurityPolicy, endedPage, passwordPage } from './pages.ts';
import { defaultUsers, type Person, people } from './people.ts';
import { refusesProduction } from './production.ts';
import { type Step, type Walks, walks } from './walks.ts';

/** Bytes of a form that a page sends. More: 413. */
export const formBytesMax = 4096;

/** How the stand-in runs. */
export interface LuxIdOptions {
  /** Port on 127.0.0.1; 0 takes any free one. */
  readonly port: number;
  /** Where its keys live; made when missing. */
  readonly folder: string;
  /** Exact addresses that a login may return to. */
  readonly redirects: readonly string[];
  /** Default `luxchat`. */
  readonly clientId?: string;
  /** Without: a public client. */
  readonly clientSecret?: string;
  /** Default: `defaultUsers`. */
  readonly users?: readonly string[];
  /** Lets in any well-formed user name with the development password. Default: no. */
  readonly openUsers?: boolean;
  /** Hears each code "sent". Default: nobody. */
  readonly sendCode?: (user: string, code: string) => void;
  /** Hears failures of the stand-in itself. Default: nobody. */
  readonly onFault?: (error: unknown) => void;
}

/** A running stand-in. */
export interface LuxId {
  /** Its address, which is also the name it signs with. */
  readonly issuer: string;
  /** The newest code sent to a user: for tests. */
  lastCodeFor(user: string): string | undefined;
  close(): Promise<void>;
}

interface Desk {
  readonly provider: Provider;
  readonly walks: Walks;
}

/** Starts the stand-in. Throws where the environment says production, the port is taken or its keys are damaged. */
export async function startLuxId(options: LuxIdOptions): Promise<LuxId> {
  const refusal = refusesProduction([], process.env);
  if (refusal !== null) throw new Error(refusal);
  const server = createServer();
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(options.port, '127.0.0.1', listening);
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { users = defaultUsers, openUsers = false, sendCode = () => {}, onFault = () => {} } = options;
  const keys = await openKeys(options.folder);
  const provider = openIdProvider(issuer, keys, { ...options, clientId: options.clientId ?? 'luxchat' });
  provider.on('server_error', (_context, error) => onFault(error));
  const send = (person: Person, code: string) => sendCode(person.user, code);
  const desk: Desk = { provider, walks: walks({ people: people({ users, openUsers }), send, now: Date.now }) };
  const speakOpenId = provider.callback();
  server.on('request', (request, response) => {
    const page = /^\/interaction\/([A-Za-z0-9_-]{1,64})(?:\/(password|code|cancel))?(?:\?.*)?$/.exec(request.url ?? '');
    const answered = page ? answerPage(desk, request, response, page) : speakOpenId(request, response);
    answered.catch((error: unknown) => {
      onFault(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  return {
    issuer,
    lastCodeFor: desk.walks.lastCodeFor,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

async function answerPage(desk: Desk, request: IncomingMessage, response: ServerResponse, path: RegExpExecArray) {
  const accepted = request.headers['accept-language'];
  const interaction = await desk.provider.interactionDetails(request, response).catch((error: unknown) => {
    if (error instanceof errors.SessionNotFound) return null;
    throw error;
  });
  const language = chooseLanguage(interaction?.params.ui_locales, accepted);
  const [, id = '', action] = path;
  if (interaction === null || interaction.uid !== id) return sendHtml(response, 400, endedPage(language));
  if (action === undefined) return show(desk, { request, response, interaction, language }, desk.walks.look(id));
  if (request.method !== 'POST') return redirect(response, `/interaction/${id}`);
  const form = await readForm(request);
  if (form === null) return sendHtml(response, 413, endedPage(language));
  const field = (name: string) => (form.get(name) ?? '').slice(0, 256);
  const at = { request, response, interaction, language };
  if (action === 'password') return show(desk, at, desk.walks.password(id, field('user'), field('password')));
  if (action === 'code') return show(desk, at, desk.walks.code(id, field('code')));
  desk.walks.end(id);
  return show(desk, at, { next: 'ended' });
}

interface At {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly interaction: Interaction;
  readonly language: Language;
}

async function show(desk: Desk, at: At, step: Step): Promise<void> {
  const { request, response, interaction, language } = at;
  const path = `/interaction/${interaction.uid}`;
  const posted = request.method === 'POST';
  const finish = { mergeWithLastSubmission: false };
  switch (step.next) {
    case 'password':
      return sendHtml(response, step.wrong ? 400 : 200, passwordPage(language, { path, ...step }));
    case 'code':
      // After a good password the browser asks for the page anew, so that "reload" never sends the password again.
      if (posted && !step.wrong) return redirect(response, path);
      return sendHtml(response, step.wrong ? 400 : 200, codePage(language, { path, ...step }));
    case 'done': {
      await endOthers(desk, interaction, step.person);
      const login = {
        accountId: step.person.subject,
        acr: acrPasswordAndSms,
        amr: amrPasswordAndSms,
        ts: Math.floor(Date.now() / 1000),
        remember: false,
      };
      return desk.provider.interactionFinished(request, response, { login }, finish);
    }
    case 'ended': {
      const error = { error: 'access_denied', error_description: 'the login was ended' };
      return desk.provider.interactionFinished(request, response, error, finish);
    }
  }
}

/** One browser serves several people. Of two accounts in one session the library makes a page whose script logs out; ours have no scripts. */
async function endOthers({ provider }: Desk, interaction: Interaction, { subject }: Person): Promise<void> {
  const { session } = interaction;
  if (session === undefined || session.accountId === subject) return;
  await (await provider.Session.findByUid(session.uid))?.destroy();
  delete interaction.session;
  await interaction.save(interaction.exp - Math.floor(Date.now() / 1000));
}

function sendHtml(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicy,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  response.end(html);
}

function redirect(response: ServerResponse, path: string): void {
  response.writeHead(303, { location: path, 'cache-control': 'no-store' }).end();
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams | null> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    // Read on to the end without keeping it, so that the answer still reaches the sender.
    if (size <= formBytesMax) parts.push(part as Buffer);
  }
  return size > formBytesMax ? null : new URLSearchParams(Buffer.concat(parts).toString('utf8'));
}
