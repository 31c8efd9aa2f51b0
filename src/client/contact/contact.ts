// A person's Luxchat-ID as it is handed on: in groups to read aloud, or as a link, which a QR code may hold. A link carries the fingerprint of the person's
// identity, so that whoever has it from them needs not believe a server at the first contact. It works offline: everything stands behind the `#`, which no
// browser sends, and nothing is asked to read it. A checksum tells a link that was cut or mistyped from one that names another identity.
import { fromBase64, toBase64Url } from '#proto/rules/bytes/base.ts';
import { asciiBytes, concatBytes, equalBytes } from '#proto/rules/bytes/bytes.ts';
import { parseUserId } from '#proto/rules/ids.ts';
import { luxchatIdInGroups, readLuxchatId } from '#proto/rules/luxchat-id.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import { ClientError } from '../errors.ts';

/** Someone, as they were handed on. */
export interface Contact {
  readonly user: string;
  /** Their identity's key, 32 bytes; absent where the id alone was given. */
  readonly fingerprint?: Uint8Array;
}

/** Characters of a text that is read as a contact. The longest link has 189. Over it: BAD_ARGUMENT. */
export const contactCharactersMax = 256;
const fingerprintBytes = 32;
const checkBytes = 4;
const label = asciiBytes('luxchat contact v1\0');
const contactLinkPattern = /^https:\/\/([^/?#]+)\/c\/#([^/]+)\/([A-Za-z0-9_-]+)$/i;
const scheme =
  /^[a-z][a-z0-9+.-]*:(?:\/\/|\?)|^(?:mailto|tel|geo|matrix|bitcoin|sms|smsto|wifi|mecard|begin|otpauth):/i;

type Sha256 = Pick<Primitives, 'sha256'>;

/** `https://<provider>/c/#<name>/<fingerprint and checksum>`. Throws a RangeError for what is no user or no fingerprint (a bug of the caller). */
export function contactLink(user: string, fingerprint: Uint8Array, primitives: Sha256): string {
  const id = parseUserId(user);
  if (id === null || fingerprint.length !== fingerprintBytes) throw new RangeError('a link needs a user and 32 bytes');
  const value = toBase64Url(concatBytes(fingerprint, checksum(user, fingerprint, primitives)));
  return `https://${id.provider}/c/#${id.name}/${value}`;
}

/** An id as people read it aloud: `@k3m9 x7qp 2ta:provider`. */
export function idInGroups(user: string): string {
  return luxchatIdInGroups(user);
}

/**
 * What a person typed, pasted or scanned: a Luxchat-ID, in groups or not, of `ownProvider` where none is named, or a contact link. Throws BAD_ARGUMENT with a
 * sentence for the person.
 */
export function readContact(text: string, ownProvider: string, primitives: Sha256): Contact {
  const contact = findContact(text, ownProvider, primitives);
  if (contact === null) throw fault('That is no Luxchat-ID and no contact link.');
  return contact;
}

/** The same, but null for what is neither meant as one nor as the other. */
export function findContact(text: string, ownProvider: string, primitives: Sha256): Contact | null {
  const given = text.trim();
  if (given.length > contactCharactersMax)
    throw fault(`That is too long: a Luxchat-ID or contact link has at most ${contactCharactersMax} characters.`);
  if (/^https?:\/\//i.test(given)) return readLink(given, primitives);
  if (scheme.test(given)) throw fault('That is a link or code of another program.');
  const user = readLuxchatId(given, ownProvider);
  if (user === 'typo') throw fault('There is a mistake in this Luxchat-ID: a character is wrong, missing or too many.');
  return user === null ? null : { user };
}

function readLink(link: string, primitives: Sha256): Contact {
  const [, host, name, value] = contactLinkPattern.exec(link) ?? [];
  if (host === undefined || name === undefined || value === undefined)
    throw fault('That is a link, but no contact link: these look like https://provider/c/#…');
  const user = readLuxchatId(`@${name}:${host}`, '');
  const bytes = fromBase64(value.replaceAll('-', '+').replaceAll('_', '/'));
  const fingerprint = bytes?.slice(0, fingerprintBytes);
  if (user === 'typo' || user === null || !fingerprint || bytes?.length !== fingerprintBytes + checkBytes)
    throw fault('This contact link is incomplete, or there is a mistake in it.');
  if (!equalBytes(bytes.subarray(fingerprintBytes), checksum(user, fingerprint, primitives)))
    throw fault('This contact link is incomplete, or there is a mistake in it.');
  return { user, fingerprint };
}

/** Against accidents alone: whoever makes a link may name any identity. */
function checksum(user: string, fingerprint: Uint8Array, { sha256 }: Sha256): Uint8Array {
  return sha256(concatBytes(label, asciiBytes(user), new Uint8Array(1), fingerprint)).subarray(0, checkBytes);
}

function fault(sentence: string): ClientError {
  return new ClientError('BAD_ARGUMENT', sentence);
}
