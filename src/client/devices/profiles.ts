// What people want to be called, and their pictures, oneself included. It comes inside the encryption of rooms that one is in, from their own devices, and
// proves nothing: who somebody is say id and identity. The newest of a person counts, wherever it was said. Names are held in memory, pictures are not.
import type { Content, Profile } from '#proto/gen/content.ts';
import { LocalProfile } from '#proto/gen/local.ts';
import { limits } from '#proto/rules/limits.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import { textContent } from '../sending/content.ts';
import { contentLimits, isProfileName, isProfilePicture } from '../sending/content-limits.ts';
import type { OutboxChange } from '../sending/waiting.ts';
import type { ProfileInfo } from '../shown.ts';
import { type LocalChange, prefixRange } from '../store/store.ts';

const namePrefix = 'name ';
const picturePrefix = 'picture ';
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
  #parts: () => Parts;
  #known = new Map<string, LocalProfile>();

  constructor(parts: () => Parts) {
    this.#parts = parts;
  }

  /** Reads what is kept. */
  async load(): Promise<void> {
    const rows = await this.#parts().store.list('people', { ...prefixRange(namePrefix), limit: peopleMax });
    for (const { key, value } of rows) this.#known.set(key.slice(namePrefix.length), LocalProfile.decode(value));
  }

  /** What a user said last of themselves. */
  of(user: string): LocalProfile {
    return this.#known.get(user) ?? nobody;
  }

  get own(): LocalProfile {
    return this.of(this.#parts().user);
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
    const called = name?.normalize('NFC').trim().replace(/\s+/gu, ' ') ?? this.own.name;
    const shown = picture ?? (await this.picture(user)) ?? new Uint8Array();
    const { profileNameBytesMax: nameMax, profilePictureBytesMax: pictureMax } = contentLimits;
    if (!isProfileName(called))
      throw new ClientError('BAD_ARGUMENT', `A name has at most ${nameMax} bytes, on one line.`);
    if (shown.length > 0 && !isProfilePicture(shown))
      throw new ClientError('BAD_ARGUMENT', `A picture is a JPEG or WebP of at most ${pictureMax} bytes.`);
    const changedMs = Math.max(now(), this.own.changedMs + 1);
    const change = this.#change(user, { name: called, picture: shown, changedMs, pictureLeftOut: false });
    await store.write([...change.rows, ...beside]);
    change.settle();
  }

  /** The own profile as it is said; in a large room without the picture. Undefined: there never was one. */
  async content(members: number): Promise<Content | undefined> {
    const { name, picture: has, changedMs } = this.own;
    if (changedMs === 0) return undefined;
    const pictureLeftOut = has && members > limits.receiptMembersMax;
    const kept = has && !pictureLeftOut ? await this.picture(this.#parts().user) : undefined;
    const picture = kept ?? new Uint8Array();
    const none = { pictureBlob: '', pictureKey: new Uint8Array() };
    return {
      ...textContent(''),
      body: { $case: 'profile', value: { name, picture, changedMs, pictureLeftOut, ...none } },
    };
  }

  /** Takes what somebody said of themselves, with the record that says it: rows for its write, and what follows. `atMs`: when it was said, at the latest.
   * Undefined where it is not news, or not within its bounds. */
  heard(user: string, said: Said, atMs: number): OutboxChange | undefined {
    const { name, picture, pictureLeftOut } = said;
    // A clock that is ahead must not keep what comes later out.
    const changedMs = Math.min(said.changedMs, atMs + limits.writtenApartMs);
    if (changedMs <= this.of(user).changedMs) return undefined;
    if (isProfileName(name) && (picture.length === 0 || isProfilePicture(picture)))
      return this.#change(user, { name, picture, changedMs, pictureLeftOut });
    this.#parts().count('profile.refused');
    return undefined;
  }

  #change(user: string, { name, picture, changedMs, pictureLeftOut }: Said): OutboxChange {
    const has = pictureLeftOut ? this.of(user).picture : picture.length > 0;
    const next: LocalProfile = { name, picture: has, changedMs };
    const named = { table: 'people' as const, key: `${namePrefix}${user}`, value: LocalProfile.encode(next).finish() };
    const pictured = { table: 'people' as const, key: `${picturePrefix}${user}`, value: has ? picture : undefined };
    return {
      rows: pictureLeftOut ? [named] : [named, pictured],
      settle: () => {
        this.#known.set(user, next);
        this.#parts().emit('profile', { user });
      },
    };
  }
}
