// Certificates of a test, which `openssl` makes anew: authorities, and what they sign for an address.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Certificates {
  readonly #folder = mkdtempSync(join(tmpdir(), 'luxchat-certificates-'));

  /** Path of `NAME.pem` (certificate) or `NAME.key`. */
  path(file: string): string {
    return join(this.#folder, file);
  }

  text(file: string): string {
    return readFileSync(this.path(file), 'utf8');
  }

  authority(name: string): void {
    this.#key(name);
    const out = ['-days', '2', '-out', this.path(`${name}.pem`)];
    openssl('req', '-x509', '-new', '-key', this.path(`${name}.key`), '-subj', `/CN=${name}`, ...out);
  }

  /** A certificate of this name for this address. */
  sign(name: string, { authority, address }: { readonly authority: string; readonly address: string }): void {
    this.#key(name);
    const [request, extension] = [this.path(`${name}.csr`), this.path(`${name}.ext`)];
    openssl('req', '-new', '-key', this.path(`${name}.key`), '-subj', `/CN=${name}`, '-out', request);
    writeFileSync(extension, `subjectAltName=IP:${address}\n`);
    const signed = ['-CA', this.path(`${authority}.pem`), '-CAkey', this.path(`${authority}.key`), '-CAcreateserial'];
    const more = ['-extfile', extension, '-days', '2', '-out', this.path(`${name}.pem`)];
    openssl('x509', '-req', '-in', request, ...signed, ...more);
  }

  /** A file with this text beside them. */
  write(file: string, text: string): string {
    writeFileSync(this.path(file), text);
    return this.path(file);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #key(name: string): void {
    openssl('genpkey', '-algorithm', 'RSA', '-out', this.path(`${name}.key`));
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
