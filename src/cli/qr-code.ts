// A text, or bytes, as a QR code in lines of characters, for whoever holds a phone in front of the terminal.
import { renderUnicodeCompact } from 'uqr';

/** Modules of light around it. The standard asks for 4; 2 keep a contact link within the 24 lines of a small terminal, and readers take it. */
const border = 2;

/** A text, or bytes as they are. Two rows of modules a line. Light modules are drawn and dark ones left out, as terminals are dark; most phones read the
 * opposite, too. */
export function qrLines(what: string | Uint8Array): string[] {
  return renderUnicodeCompact(typeof what === 'string' ? what : [...what], { border }).split('\n');
}
