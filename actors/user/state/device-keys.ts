// The public keys of one device: keys JSON, one-time keys in the order of their upload, the fallback key, and the ids given away lately, so
// that no late repeat of an upload brings a key back. Nothing is decided here: uploads are checked in keys.ts before they become an entry.
import type { FallbackKey, KeysRow } from '#proto/gen/account.ts';
import type { KeyCounts } from '#proto/gen/client.ts';
import type { KeyClaimed, KeysUploaded, UploadedKey } from '#proto/gen/record.ts';
import { equalBytes, noBytes } from '#proto/rules/bytes/bytes.ts';
import { userLimits } from '../limits.ts';

/** What a claim would hand out. */
export interface NextKey {
  readonly key: UploadedKey;
  readonly fallback: boolean;
  /** A fallback key that was given away before: giving it away again changes nothing. */
  readonly used: boolean;
}

/** How an uploaded key stands to what is kept. */
export type KnownKey = 'same' | 'other' | 'givenAway' | 'new';

/** The keys of one device. */
export class DeviceKeys {
  deviceJson: Uint8Array;
  readonly #oneTime = new Map<string, Uint8Array>();
  readonly #givenAway = new Set<string>();
  #fallback: FallbackKey[];

  /** From a row, or empty. */
  constructor(row?: KeysRow) {
    this.deviceJson = row?.deviceJson ?? noBytes;
    for (const { keyId, key } of row?.oneTimeKeys ?? []) this.#oneTime.set(keyId, key);
    for (const id of row?.givenAway ?? []) this.#givenAway.add(id);
    this.#fallback = [...(row?.fallbackKeys ?? [])];
  }

  /** Is this one-time key here with the same bytes, with others, given away, or new? */
  knows({ keyId, key }: UploadedKey): KnownKey {
    const kept = this.#oneTime.get(keyId);
    if (kept !== undefined) return equalBytes(kept, key) ? 'same' : 'other';
    return this.#givenAway.has(keyId) ? 'givenAway' : 'new';
  }

  /** The same of a fallback key. Libraries count the ids of the two kinds apart, so both have a first one of the same id. */
  knowsFallback({ keyId, key }: UploadedKey): KnownKey {
    const kept = this.#fallback.find((each) => each.key?.keyId === keyId)?.key?.key;
    if (kept === undefined) return 'new';
    return equalBytes(kept, key) ? 'same' : 'other';
  }

  /** One-time keys left. */
  get left(): number {
    return this.#oneTime.size;
  }

  /** Keeps an upload that was found good. */
  upload(entry: KeysUploaded): void {
    if (entry.deviceJson.length > 0) this.deviceJson = entry.deviceJson;
    for (const { keyId, key } of entry.oneTimeKeys) this.#oneTime.set(keyId, key);
    for (const key of entry.fallbackKeys) this.#fallback = [{ key, used: false }];
  }

  /** The key that a claim would give away: the oldest one-time key, else the fallback key, else null. */
  next(): NextKey | null {
    const [oldest] = this.#oneTime;
    if (oldest !== undefined) return { key: { keyId: oldest[0], key: oldest[1] }, fallback: false, used: false };
    const [kept] = this.#fallback;
    return kept?.key === undefined ? null : { key: kept.key, fallback: true, used: kept.used };
  }

  /** Takes out what was given away. */
  claim(entry: KeyClaimed): void {
    if (entry.fallback) {
      this.#fallback = this.#fallback.map((each) => (each.key?.keyId === entry.keyId ? { ...each, used: true } : each));
      return;
    }
    this.#oneTime.delete(entry.keyId);
    this.#givenAway.add(entry.keyId);
    const [oldest] = this.#givenAway;
    if (this.#givenAway.size > userLimits.givenAwayMax && oldest !== undefined) this.#givenAway.delete(oldest);
  }

  /** What the device is told about its stock. */
  counts(): KeyCounts {
    const unused = this.#fallback.some((each) => !each.used);
    return { oneTimeKeys: this.#oneTime.size, unusedFallback: unused ? ['signed_curve25519'] : [] };
  }

  /** For a row. */
  toRow(): KeysRow {
    return {
      deviceJson: this.deviceJson,
      oneTimeKeys: [...this.#oneTime].map(([keyId, key]) => ({ keyId, key })),
      fallbackKeys: this.#fallback,
      givenAway: [...this.#givenAway],
    };
  }
}
