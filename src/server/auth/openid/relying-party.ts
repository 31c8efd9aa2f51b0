// Talks to LuxID, or any OpenID provider found by discovery: authorization code with PKCE, and every check of the answer (state, nonce, issuer,
// audience, expiry, signature). Of what LuxID says it lets nothing out but the keyed hash of the subject; the rest is dropped unread.
import { createHmac } from 'node:crypto';
import * as openid from 'openid-client';
import type { ReturnCode } from '../codes.ts';
import { type Freshness, type FreshnessFault, freshLoginParameters, freshnessFault } from './fresh-login.ts';
import { derivedKey, subjectHash } from './subject.ts';

/** How to reach LuxID. */
export interface RelyingPartyOptions {
  /** Address under which LuxID describes itself. http only on a loopback address. */
  readonly issuer: string;
  readonly clientId: string;
  /** Without: a public client. */
  readonly clientSecret?: string;
  /** Where LuxID sends people back to. */
  readonly callbackUrl: string;
  readonly secret: Uint8Array;
  readonly timeoutMs: number;
  /** Age at which LuxID's description is fetched anew. */
  readonly discoveryMs: number;
  /** What a step-up asks for. */
  readonly freshness: Freshness;
  readonly now: () => number;
  /** Hears why LuxID could not be used: an error without anything of the person, for the log. */
  readonly onTrouble: (event: 'auth.luxid-unavailable' | 'auth.luxid-refused', error: unknown) => void;
  /** Hears why a login was no step-up. */
  readonly onNotFresh: (fault: FreshnessFault) => void;
}

/** What LuxID's answer came to. */
export type Proof = { readonly subjectHash: string } | { readonly failed: ReturnCode };

/** LuxID as login sees it. */
export interface RelyingParty {
  /** Where to send the person; null = LuxID does not answer. `state`: 43 random characters, used once. `fresh`: for a step-up. */
  authorizeUrl(
    state: string,
    options: { readonly language: string | undefined; readonly fresh: boolean },
  ): Promise<string | null>;
  /** Checks LuxID's answer to `state` and turns its code into proof. Never rejects because of what LuxID says or fails to say. */
  prove(state: string, query: URLSearchParams, options: { readonly fresh: boolean }): Promise<Proof>;
}

/** Connects to nothing yet: LuxID is asked at the first login. Throws a RangeError for an issuer that must not be used. */
export function relyingParty(options: RelyingPartyOptions): RelyingParty {
  const issuer = new URL(options.issuer);
  const loopback = ['127.0.0.1', '[::1]', 'localhost'].includes(issuer.hostname);
  if (issuer.protocol !== 'https:' && !(issuer.protocol === 'http:' && loopback))
    throw new RangeError('the issuer must be an https address, or http on a loopback address');
  const describe = description(options, issuer);
  // Derived, not stored: whoever reads the attempts' table can't finish a login with it.
  const key = derivedKey(options.secret, 'attempts');
  const derived = (use: string, state: string) =>
    createHmac('sha256', key).update(`${use}|${state}`).digest('base64url');
  return {
    async authorizeUrl(state, { language, fresh }) {
      const config = await describe();
      if (config === null) return null;
      const url = openid.buildAuthorizationUrl(config, {
        redirect_uri: options.callbackUrl,
        scope: 'openid',
        state,
        nonce: derived('nonce', state),
        code_challenge: await openid.calculatePKCECodeChallenge(derived('pkce', state)),
        code_challenge_method: 'S256',
        // One machine may serve several people: LuxID must never let the last one's session answer for the next.
        prompt: 'login',
        ...(fresh ? freshLoginParameters(options.freshness) : {}),
        ...(language === undefined ? {} : { ui_locales: language }),
      });
      return url.href;
    },
    async prove(state, query, { fresh }) {
      const config = await describe();
      if (config === null) return { failed: 'LUXID_UNAVAILABLE' };
      try {
        const tokens = await openid.authorizationCodeGrant(config, new URL(`${options.callbackUrl}?${query}`), {
          pkceCodeVerifier: derived('pkce', state),
          expectedState: state,
          expectedNonce: derived('nonce', state),
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (claims === undefined || claims.sub === '') return { failed: 'LUXID_REFUSED' };
        const fault = fresh ? freshnessFault(claims, { ...options.freshness, nowMs: options.now() }) : null;
        if (fault !== null) {
          options.onNotFresh(fault);
          return { failed: 'LUXID_REFUSED' };
        }
        // The issuer's own spelling, so that a slash more or less in a setting makes nobody a stranger.
        return { subjectHash: subjectHash(options.secret, claims.iss, claims.sub) };
      } catch (error) {
        return { failed: failureOf(error, options.onTrouble) };
      }
    },
  };
}

/** LuxID's own description, kept for a while; null = never had and not to be had now. Many who ask at once share one fetch. */
function description(options: RelyingPartyOptions, issuer: URL): () => Promise<openid.Configuration | null> {
  let kept: { readonly config: openid.Configuration; readonly fetchedMs: number } | null = null;
  let fetching: Promise<openid.Configuration | null> | null = null;
  const { clientSecret } = options;
  const clientAuthentication = clientSecret === undefined ? openid.None() : openid.ClientSecretBasic(clientSecret);
  const fetchIt = async () => {
    try {
      const config = await openid.discovery(issuer, options.clientId, undefined, clientAuthentication, {
        timeout: Math.ceil(options.timeoutMs / 1000),
        // Without these checks the library trusts TLS for the id token and leaves its signature unread.
        execute: [
          openid.enableNonRepudiationChecks,
          ...(issuer.protocol === 'http:' ? [openid.allowInsecureRequests] : []),
        ],
      });
      kept = { config, fetchedMs: options.now() };
      return config;
    } catch (error) {
      options.onTrouble('auth.luxid-unavailable', error);
      return kept?.config ?? null;
    }
  };
  return async () => {
    if (kept !== null && kept.fetchedMs + options.discoveryMs > options.now()) return kept.config;
    fetching ??= fetchIt().finally(() => {
      fetching = null;
    });
    return fetching;
  };
}

function failureOf(error: unknown, onTrouble: RelyingPartyOptions['onTrouble']): ReturnCode {
  if (error instanceof openid.AuthorizationResponseError) {
    if (error.error === 'access_denied') return 'LOGIN_DENIED';
    if (error.error === 'server_error' || error.error === 'temporarily_unavailable') {
      onTrouble('auth.luxid-unavailable', error);
      return 'LUXID_UNAVAILABLE';
    }
  }
  const unavailable = isUnreachable(error);
  onTrouble(unavailable ? 'auth.luxid-unavailable' : 'auth.luxid-refused', error);
  return unavailable ? 'LUXID_UNAVAILABLE' : 'LUXID_REFUSED';
}

function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { cause } = error;
  if (cause instanceof Response) return cause.status >= 500;
  const code = (error as { code?: unknown }).code;
  return code === 'OAUTH_TIMEOUT' || error.message === 'fetch failed' || error.name === 'TimeoutError';
}
