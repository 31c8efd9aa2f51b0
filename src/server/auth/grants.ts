// Grants: what a step-up leaves in a device's hands. One serves one attempt of one device for one purpose, for some minutes. The store keeps its hash only,
// and binds it to the first attempt by one compare-and-set, so that of all who show it on any node one gets through.
// A grant says that the person was there just now. What it allows is the business of who takes it.
import { type Refusal, refuse } from './codes.ts';
import type { DeviceIdentity } from './devices.ts';
import { sourceBuckets } from './http/buckets.ts';
import type { AuthLimits } from './limits.ts';
import { type AccountStore, AccountStoreError } from './ports.ts';
import type { Purpose } from './purposes.ts';
import { hashOf, isGrant, newGrant, type RandomBytes } from './tokens.ts';

/** Bytes of what names an attempt: random, drawn by the device. */
export const grantAttemptBytes = 16;

/** What one step-up gives a device. */
export interface GivenGrant {
  /** Of the purpose that the person was asked for. */
  readonly grant: string;
  /** Of purpose `backup`, with one for `backup` or `identity`: a backup is opened and then replaced, an identity begun and then backed up, and nobody is to log in
   * twice for that. Who closes the account was asked for that alone. */
  readonly second?: string;
  /** Milliseconds since the epoch. */
  readonly expiresMs: number;
}

/** A grant as it is shown. */
export interface GrantUse {
  readonly user: string;
  /** Number of the device whose session shows it. */
  readonly device: number;
  readonly purpose: Purpose;
  readonly token: string;
  /** 16 bytes; the same again for the same request, when its answer was lost. */
  readonly attempt: Uint8Array;
}

/** Why one does not count; for the log alone, the device hears one answer. */
export type GrantFault = 'malformed' | 'rate' | 'unknown' | 'foreign' | 'purpose' | 'expired' | 'used';

/** The grants of all users. */
export interface Grants {
  /** New grants. RATE_LIMITED for the eleventh in an hour; TOKEN_INVALID where the device was removed meanwhile. */
  give(device: DeviceIdentity, purpose: Purpose): Promise<GivenGrant | Refusal>;
  /** Does this grant count for this attempt? The first attempt that asks binds it. Rejects with AccountStoreError where the store fails. */
  use(use: GrantUse): Promise<boolean>;
}

/** What grants need. */
export interface GrantsOptions {
  readonly store: AccountStore;
  readonly limits: AuthLimits;
  readonly now: () => number;
  readonly random: RandomBytes;
  /** Hears of each that did not count. */
  readonly onRefused: (fault: GrantFault) => void;
}

/** What takes two requests. */
const takesTwo: ReadonlySet<Purpose> = new Set(['backup', 'identity']);
const hourMs = 3_600_000;
/** Attempts at one compare-and-set. More: someone changes the row without pause, and the call fails as the store would. */
const attemptsMax = 50;

/** Makes them. */
export function grants(options: GrantsOptions): Grants {
  const { store, limits, now, random, onRefused } = options;
  const tries = sourceBuckets({ perMinute: limits.grantUsesPerMinute, sourcesMax: limits.sourcesMax, now });
  return {
    async give(device, purpose) {
      const refused = await count(options, device);
      if (refused !== null) return refused;
      const { userId, deviceNumber } = device;
      const expiresMs = now() + limits.grantMs;
      const put = async (what: Purpose): Promise<string> => {
        const grant = newGrant(random);
        await store.putGrant(hashOf(grant), { userId, deviceNumber, purpose: what, expiresMs });
        return grant;
      };
      const grant = await put(purpose);
      return takesTwo.has(purpose) ? { grant, second: await put('backup'), expiresMs } : { grant, expiresMs };
    },
    async use(use) {
      const fault = await faultOf(use);
      if (fault !== null) onRefused(fault);
      return fault === null;
    },
  };

  async function faultOf({ user, device, purpose, token, attempt }: GrantUse): Promise<GrantFault | null> {
    if (!isGrant(token) || attempt.length !== grantAttemptBytes) return 'malformed';
    if (tries.take(`${user} ${device}`) > 0) return 'rate';
    const key = hashOf(token);
    const grant = await store.readGrant(key);
    if (grant === null) return 'unknown';
    // Looked at before it is bound: who shows another's grant must not use it up.
    if (grant.userId !== user || grant.deviceNumber !== device) return 'foreign';
    if (grant.purpose !== purpose) return 'purpose';
    if (grant.expiresMs <= now()) return 'expired';
    return (await store.useGrant(key, Buffer.from(attempt).toString('base64url'))) ? null : 'used';
  }
}

/** Not of the address: whoever goes elsewhere waits as long. */
const ofAccount = 'This account was logged in anew too often within an hour: wait and try again.';

/** Counts a grant against the account's hour; null = counted. In the row of its devices: so it holds over all nodes, and a device that is gone gets none. */
async function count({ store, limits, now }: GrantsOptions, device: DeviceIdentity): Promise<Refusal | null> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const row = await store.readDevices(device.userId);
    if (!row?.devices.some(({ number }) => number === device.deviceNumber)) return refuse('TOKEN_INVALID');
    // Those far ahead are of a clock that was set back: they must not keep anyone out.
    const recent = (row.grantedMs ?? []).filter((ms) => Math.abs(now() - ms) < hourMs);
    if (recent.length >= limits.grantsPerHour)
      return refuse('RATE_LIMITED', Math.min(...recent) + hourMs - now(), ofAccount);
    const next = { ...row, version: row.version + 1, grantedMs: [...recent, now()] };
    if (await store.writeDevices(device.userId, next)) return null;
  }
  throw new AccountStoreError('the devices of a user changed without pause');
}
