// The part of `oidc-provider` that the stand-in uses; the package ships no types.
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  /** Tells the library what became of an interaction. */
  export type InteractionResult =
    | {
        readonly login: {
          readonly accountId: string;
          readonly acr: string;
          readonly amr: readonly string[];
          /** Seconds since the epoch: becomes `auth_time`. */
          readonly ts: number;
          readonly remember: boolean;
        };
      }
    | { readonly error: string; readonly error_description: string };

  /** An interaction of a person, found by the request's signed cookie. */
  export interface Interaction {
    readonly uid: string;
    readonly prompt: { readonly name: string };
    readonly params: Readonly<Record<string, unknown>>;
    /** Who is logged in in this browser. */
    session?: { readonly uid: string; readonly accountId: string };
    /** Seconds since the epoch. */
    readonly exp: number;
    save(seconds: number): Promise<string>;
  }

  /** What one login may hand to the client. */
  export interface Grant {
    addOIDCScope(scope: string): void;
    addOIDCClaims(claims: readonly string[]): void;
    save(): Promise<string>;
  }

  /** What the library throws. */
  export const errors: { readonly SessionNotFound: new () => Error };

  export default class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    readonly Grant: new (owner: {
      readonly clientId: string;
      readonly accountId: string;
    }) => Grant;
    readonly Session: { findByUid(uid: string): Promise<{ destroy(): Promise<void> } | undefined> };
    /** Handles one request of the protocol itself. */
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    /** Rejects where the request's cookie names no living interaction. */
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: InteractionResult,
      options: { readonly mergeWithLastSubmission: boolean },
    ): Promise<void>;
    on(event: 'server_error', listener: (context: unknown, error: Error) => void): this;
  }
}
