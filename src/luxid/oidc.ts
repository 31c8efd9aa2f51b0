// How the OpenID library is set up: one client, code flow with PKCE only, every login granted without a consent page, id tokens that say how
// and when the person proved who they are where the client asks for it (`claims` parameter).
import Provider from 'oidc-provider';
import type { Keys } from './keys.ts';
import { chooseLanguage } from './labels.ts';
import { contentSecurityPolicy, endedPage } from './pages.ts';
import { memoryStorage } from './storage.ts';

/** `acr` of a login with password and code by SMS. */
export const acrPasswordAndSms = 'urn:luxid:stand-in:password-sms';
/** `amr` of the same (RFC 8176). */
export const amrPasswordAndSms: readonly string[] = ['pwd', 'sms', 'mfa'];

/** What a client must be registered with. */
export interface ClientOptions {
  readonly clientId: string;
  /** Without: a public client. */
  readonly clientSecret?: string;
  /** Exact addresses that a login may return to. */
  readonly redirects: readonly string[];
}

/** The OpenID provider. `issuer` is its address, without a slash at the end. */
export function openIdProvider(issuer: string, keys: Keys, client: ClientOptions): Provider {
  const off = { enabled: false };
  const provider: Provider = new Provider(issuer, {
    adapter: memoryStorage(),
    clients: [
      {
        client_id: client.clientId,
        redirect_uris: client.redirects,
        response_types: ['code'],
        grant_types: ['authorization_code'],
        ...(client.clientSecret === undefined
          ? { token_endpoint_auth_method: 'none' }
          : { client_secret: client.clientSecret, token_endpoint_auth_method: 'client_secret_basic' }),
      },
    ],
    jwks: keys.jwks,
    cookies: { keys: keys.cookieKeys },
    acrValues: [acrPasswordAndSms],
    claims: { acr: null, amr: null, auth_time: null, openid: ['sub'] },
    features: {
      devInteractions: off,
      claimsParameter: { enabled: true },
      dPoP: off,
      pushedAuthorizationRequests: off,
      resourceIndicators: off,
      rpInitiatedLogout: off,
      userinfo: off,
    },
    pkce: { required: () => true },
    responseTypes: ['code'],
    scopes: ['openid'],
    ttl: { AccessToken: 60, AuthorizationCode: 60, IdToken: 300, Interaction: 600, Grant: 600, Session: 3600 },
    interactions: { url: (_context: unknown, interaction: { uid: string }) => `/interaction/${interaction.uid}` },
    findAccount: (_context: unknown, subject: string) => ({ accountId: subject, claims: () => ({ sub: subject }) }),
    loadExistingGrant: (context: GrantContext) => grantAll(provider, context),
    clientBasedCORS: () => false,
    renderError: (context: ErrorContext) => {
      context.type = 'html';
      context.set('content-security-policy', contentSecurityPolicy);
      context.body = endedPage(chooseLanguage(undefined, context.get('accept-language')));
    },
  });
  return provider;
}

interface GrantContext {
  readonly oidc: {
    readonly client: { readonly clientId: string };
    readonly session: { readonly accountId: string };
  };
}

interface ErrorContext {
  type: string;
  body: string;
  get(header: string): string;
  set(header: string, value: string): void;
}

async function grantAll(provider: Provider, { oidc }: GrantContext) {
  const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
  grant.addOIDCScope('openid');
  grant.addOIDCClaims(['acr', 'amr', 'auth_time']);
  await grant.save();
  return grant;
}
