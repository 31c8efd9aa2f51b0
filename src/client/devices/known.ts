// A person (also oneself) as this device knows them: the identity that is trusted, the newest device manifest, and what was said of either.
import type { LocalPerson } from '#proto/gen/local.ts';
import type { DeviceManifest } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { checkManifest, type KnownManifest, manifestHead } from '#proto/rules/identity/manifest.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import type { IdentityMark } from '../shown.ts';
import { learntAt, withRetired } from './taken-off.ts';

/** A person as kept here. */
export interface Known {
  readonly user: string;
  /** Master key that is trusted: first seen, or approved since. */
  readonly fingerprint: Uint8Array;
  readonly manifest: KnownManifest;
  /** Another master key that the newest manifest names and nobody approved; empty = none. */
  readonly changedTo: Uint8Array;
  /** A person said that `fingerprint` is theirs: then it may be signed in. Of one that was seen first, only a server did. */
  readonly approved: boolean;
  /** The person at this device compared `fingerprint` with them, or had it from their contact link. */
  readonly compared: boolean;
  /** A message of theirs names a newer list than `manifest`: it may be the one without a stolen device. */
  readonly withheld: boolean;
  readonly bot: boolean;
  readonly row: LocalPerson;
}

/** The identity that a person compares: the one that nobody approved yet, where there is one. */
export function shownIdentity({ fingerprint, changedTo }: Known): Uint8Array {
  return changedTo.length > 0 ? changedTo : fingerprint;
}

/** What an app is told of whose identity this is. */
export function identityMark(known: Known | undefined): IdentityMark {
  if (!known) return 'unknown';
  if (known.changedTo.length > 0) return 'changed';
  if (known.compared) return 'compared';
  return known.approved ? 'approved' : 'seen';
}

/** Did this person ever begin another identity? */
export function hasStartedOver({ changedTo, manifest }: Known): boolean {
  return changedTo.length > 0 || manifest.body.formerKeys.length > 0;
}

/** Is this person given keys, or signed in, otherwise than before? */
export function countsOtherwise(before: Known, { withheld, approved, compared, changedTo }: Known): boolean {
  const isSame = before.approved === approved && before.compared === compared && before.withheld === withheld;
  return !isSame || !equalBytes(before.changedTo, changedTo);
}

/** What is kept of a person once this manifest follows the one that is known. */
export function nextRow(
  user: string,
  manifest: DeviceManifest,
  next: KnownManifest,
  { known, bot, now }: { readonly known: Known | undefined; readonly bot: boolean; readonly now: number },
): LocalPerson {
  const { masterKey } = next.body;
  const listed = new Set(next.body.devices.map((device) => device.id));
  const dropped = known?.manifest.body.devices.filter((device) => !listed.has(device.id)) ?? [];
  const fingerprint = known?.fingerprint ?? masterKey;
  // What was said of one identity says nothing of the next, nor of one that comes back.
  const isSame = known !== undefined && equalBytes(known.manifest.body.masterKey, masterKey);
  return {
    user,
    fingerprint,
    manifest,
    head: manifestHead(next),
    bot: bot || (known?.bot ?? false),
    profile: known?.row.profile,
    changedTo: equalBytes(fingerprint, masterKey) ? new Uint8Array() : masterKey,
    approved: isSame && known.approved,
    compared: isSame && known.compared,
    namedVersion: known?.row.namedVersion ?? 0,
    knownMs: known ? known.row.knownMs : learntAt(next.body.signedMs, now),
    ...withRetired(known?.row, dropped, { signedMs: next.body.signedMs, now }),
  };
}

/** A person as they lie in the store. Undefined where no manifest of theirs was kept. */
export function restoreKnown(row: LocalPerson, primitives: Primitives): Known | undefined {
  if (!row.manifest) return undefined;
  // Checked when it came; it lies sealed.
  const manifest = checkManifest(row.manifest, row.user, { ...primitives, verify: () => true });
  if (typeof manifest === 'string') return undefined;
  const { user, fingerprint, changedTo, approved, compared, bot } = row;
  const withheld = row.namedVersion > manifest.body.version;
  return { user, fingerprint, manifest, changedTo, approved, compared, withheld, bot, row };
}
