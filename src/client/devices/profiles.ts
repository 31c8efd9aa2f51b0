// What people want to be called, and their pictures, oneself included. It comes inside the encryption of rooms that one is in, from their own devices, and
// proves nothing: who somebody is say id and identity. The newest of a person counts, wherever it was said, also while another one is being written.
// Names are held in memory, pictures are not, but for one's own: so what is said of oneself is made in one go.
import type { Content, Profile } from '#proto/gen/content.ts';
import { LocalProfile } from '#proto/gen/local.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { limits } from '#proto/rules/limits.ts';
import type { DeviceParts } from '../device-parts.ts';
import { ClientError } from '../errors.ts';
import { contentLimits, isProfileName, isProfilePicture } from '../sending/content-limits.ts';
import { textContent } from '../sending/text-content.ts';
import type { OutboxChange } from '../sending/waiting.ts';
import type { ProfileInfo } from '../shown.ts';
import { type LocalChange, prefixRange } from '../store/store.ts';

const namePrefix = 'name ';
const picturePrefix = 'picture ';
/** Names in memory. Who is beyond is shown by their id, until they say their name anew: counted as `profiles.notShown`. */
const peopleMax = 100_000;
const nobody: LocalProfile = { name: '', picture: false, changedMs: 0 };

/** What a person says of themselves. */
export type Said = Pick<Profile, 'name' | 'picture' | 'changedMs' | 'pictureLeftOut'>;

/** What one may change; what is left out stays, what is empty goes. */
export interface ProfileChange {
  readonly name?: string;
  readonly picture?: Uint8Array;
}

/** The profiles that this device knows. */
export class Profiles {
  #parts: () => DeviceParts;
  #known = new Map<string, LocalProfile>();
  /** Newer ones, on their way to the disk. */
  #coming = new Map<string, LocalProfile>();
  #ownPicture: Uint8Array = noBytes;

  constructor(parts: () => DeviceParts) {
    this.#parts = parts;
  }

  /** Reads what is kept. */
  async load(): Promise<void> {
    const { store, count } = this.#parts();
    const rows = await store.list('people', { ...prefixRange(namePrefix), limit: peopleMax + 1 });
    if (rows.length > peopleMax) count('profiles.notShown');
    for (const { key, value } of rows.slice(0, peopleMax))
      this.#known.set(key.slice(namePrefix.length), LocalProfile.decode(value));
    this.#ownPicture = (await this.picture(this.#parts().user)) ?? noBytes;
  }

  /** What a user said last of themselves. */
  of(user: string): LocalProfile {
    return this.#known.get(user) ?? nobody;
  }

  /** What is said of oneself, or is about to be. `changedMs` 0: nothing ever was. */
  get own(): Omit<Said, 'pictureLeftOut'> {
    const { name, changedMs } = this.#newest(this.#parts().user);
    return { name, picture: this.#ownPicture, changedMs };
  }

  /** The same for people to see. */
  info(user: string): ProfileInfo {
    const { name, picture } = this.of(user);
    return { name, picture };
  }

  picture(user: string): Promise<Uint8Array | undefined> {
    return this.#parts().store.get('people', `${picturePrefix}${user}`);
  }

  /** Changes the own profile. Durable when it resolves. Rejects with BAD_ARGUMENT. */
  async set({ name, picture }: ProfileChange, beside: readonly LocalChange[]): Promise<void> {
    const { user, now, store } = this.#parts();
    const before = this.own;
    const called = name?.normalize('NFC').trim().replace(/\s+/gu, ' ') ?? before.name;
    const shown = picture?.slice() ?? before.picture;
    const { profileNameBytesMax: nameMax, profilePictureBytesMax: pictureMax } = contentLimits;
    if (!isProfileName(called))
      throw new ClientError('BAD_ARGUMENT', `A name has at most ${nameMax} bytes, on one line.`);
    if (shown.length > 0 && !isProfilePicture(shown))
      throw new ClientError('BAD_ARGUMENT', `A picture is a JPEG or WebP of at most ${pictureMax} bytes.`);
    const changedMs = Math.max(now(), before.changedMs + 1);
    const change = this.#change(user, { name: called, picture: shown, changedMs, pictureLeftOut: false });
    try {
      await store.write([...change.rows, ...beside]);
    } catch (error) {
      if (this.own.changedMs === changedMs) {
        this.#coming.delete(user);
        this.#ownPicture = before.picture;
      }
      throw error;
    }
    change.settle();
  }

  /** The own profile as it is said; in a large room without the picture. Undefined: there never was one. */
  content(members: number): Content | undefined {
    const { name, picture: kept, changedMs } = this.own;
    if (changedMs === 0) return undefined;
    const pictureLeftOut = kept.length > 0 && members > limits.receiptMembersMax;
    const picture = pictureLeftOut ? noBytes : kept;
    const none = { pictureBlob: '', pictureKey: noBytes };
    return {
      ...textContent(''),
      body: { $case: 'profile', value: { name, picture, changedMs, pictureLeftOut, ...none } },
    };
  }

  /** Takes what somebody said of themselves, with the record that says it: rows for its write, and what follows. `atMs`: when it was said, at the latest.
   * Undefined where it is not news, or not within its bounds. The rows are written before anything else is awaited. */
  heard(user: string, said: Said, atMs: number): OutboxChange | undefined {
    const { name, picture, pictureLeftOut } = said;
    // A clock that is ahead must not keep what comes later out.
    const changedMs = Math.min(said.changedMs, atMs + limits.writtenApartMs);
    // The very same as one that is coming: its record is taken once more, since its write failed.
    if (changedMs <= this.of(user).changedMs || changedMs < this.#newest(user).changedMs) return undefined;
    if (isProfileName(name) && (picture.length === 0 || isProfilePicture(picture)))
      return this.#change(user, { name, picture, changedMs, pictureLeftOut });
    this.#parts().count('profile.refused');
    return undefined;
  }

  #newest(user: string): LocalProfile {
    return this.#coming.get(user) ?? this.of(user);
  }

  #change(user: string, { name, picture, changedMs, pictureLeftOut }: Said): OutboxChange {
    const has = pictureLeftOut ? this.#newest(user).picture : picture.length > 0;
    const next: LocalProfile = { name, picture: has, changedMs };
    const named = { table: 'people' as const, key: `${namePrefix}${user}`, value: LocalProfile.encode(next).finish() };
    const pictured = { table: 'people' as const, key: `${picturePrefix}${user}`, value: has ? picture : undefined };
    this.#coming.set(user, next);
    if (user === this.#parts().user && !pictureLeftOut) this.#ownPicture = picture;
    return { rows: pictureLeftOut ? [named] : [named, pictured], settle: () => this.#settle(user, next) };
  }

  #settle(user: string, next: LocalProfile): void {
    if (this.#coming.get(user) === next) this.#coming.delete(user);
    // A newer one may have been on the disk sooner.
    if (next.changedMs < this.of(user).changedMs) return;
    this.#known.set(user, next);
    this.#parts().emit('profile', { user });
  }
}
