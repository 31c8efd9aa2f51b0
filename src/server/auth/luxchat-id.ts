// Luxchat-IDs: `@`, ten characters of 50 random bits, a check character, `:` and the provider. Random, so they say nothing about the person;
// whether one is taken is the account store's business.
import { idCheckCharacter, idLetters, idNameLength } from '#proto/rules/luxchat-id.ts';

/** Random bytes that one id takes: 50 of their 56 bits. */
export const idRandomBytes = 7;

/** Makes an id out of `idRandomBytes` random bytes. Throws a RangeError for fewer. */
export function makeLuxchatId(random: Uint8Array, provider: string): string {
  if (random.length !== idRandomBytes) throw new RangeError(`an id takes ${idRandomBytes} random bytes`);
  let bits = random.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  let name = '';
  for (let at = 1; at < idNameLength; at++) {
    name += idLetters[Number(bits & 31n)];
    bits >>= 5n;
  }
  return `@${name}${idCheckCharacter(name)}:${provider}`;
}
