// What kind of failure the driver reported, in few words: an operator looks elsewhere for each. Nothing in the store decides by it.
import { errors, types } from 'cassandra-driver';

/**
 * `silent`: no answer in time, so the server hangs or the network does. `timeout`: a server waited for replicas in vain. `failed`: a replica could not.
 * `unavailable`: too few of them are up. `overloaded`: a server, or this node's connections to it, have too much to do. `refused`: a statement or the login
 * was wrong. `other`: a connection broke, mostly.
 */
export const failureKinds = ['silent', 'timeout', 'failed', 'unavailable', 'overloaded', 'refused', 'other'] as const;
export type FailureKind = (typeof failureKinds)[number];

const { responseErrorCodes: codes } = types;

const kindOf = new Map<number, FailureKind>([
  [codes.readTimeout, 'timeout'],
  [codes.writeTimeout, 'timeout'],
  [codes.readFailure, 'failed'],
  [codes.writeFailure, 'failed'],
  [codes.unavailableException, 'unavailable'],
  [codes.overloaded, 'overloaded'],
  [codes.isBootstrapping, 'unavailable'],
  [codes.badCredentials, 'refused'],
  [codes.unauthorized, 'refused'],
  [codes.invalid, 'refused'],
  [codes.syntaxError, 'refused'],
  [codes.configError, 'refused'],
]);

/** The kind of what a request was rejected with. */
export function failureKind(cause: unknown): FailureKind {
  if (cause instanceof errors.OperationTimedOutError) return 'silent';
  if (cause instanceof errors.BusyConnectionError) return 'overloaded';
  if (cause instanceof errors.ResponseError) return kindOf.get(cause.code) ?? 'other';
  if (!(cause instanceof errors.NoHostAvailableError)) return 'other';
  // No server was tried, since all are held for dead; or those that were tried say why themselves.
  const tried = Object.values(cause.innerErrors ?? {});
  return tried.length === 0 ? 'unavailable' : failureKind(tried[0]);
}
