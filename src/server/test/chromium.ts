// A real Chromium for tests, without a download: on Linux x64 the one that a package of `npm ci` brings, unpacked once; elsewhere, or where
// CHROMIUM_PATH says so, one that is installed. Started so that it asks nothing of any host but this machine.
import { randomBytes } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { brotliDecompressSync, createBrotliDecompress } from 'node:zlib';
import { type Browser, chromium } from 'playwright-core';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];
const installed = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** Starts it, headless; the caller closes it. Rejects with what to do where there is none. */
export async function startChromium(): Promise<Browser> {
  const { path, libraries } = await findChromium();
  return chromium.launch({
    executablePath: path,
    headless: true,
    args: flags,
    ...(libraries ? { env: { ...process.env, LD_LIBRARY_PATH: libraries } } : {}),
  });
}

async function findChromium(): Promise<{ path: string; libraries?: string }> {
  const named = process.env.CHROMIUM_PATH;
  if (named) return { path: named };
  if (process.platform === 'linux' && process.arch === 'x64') return unpacked();
  const path = installed.find(existsSync);
  if (path) return { path };
  throw new Error('There is no Chromium here: install one, or say in CHROMIUM_PATH where it is.');
}

/** The binary with the libraries that a bare system lacks. */
async function unpacked(): Promise<{ path: string; libraries: string }> {
  const packed = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '..');
  const { version } = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8')) as { version: string };
  const folder = new URL(`../../../.cache/chromium-${version}/`, import.meta.url).pathname;
  const path = join(folder, 'chromium');
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    for (const [name, bytes] of tarFiles(brotliDecompressSync(readFileSync(join(packed, 'bin', 'al2023.tar.br')))))
      whole(join(folder, name.slice(name.lastIndexOf('/') + 1)), (partial) => writeFileSync(partial, bytes));
    const partial = `${path}.${randomBytes(4).toString('hex')}`;
    const binary = createReadStream(join(packed, 'bin', 'chromium.br'));
    await pipeline(binary, createBrotliDecompress(), createWriteStream(partial, { mode: 0o700 }));
    renameSync(partial, path);
  }
  return { path, libraries: folder };
}

/** Another test process may do the same just now: each file is there whole or not at all. */
function whole(path: string, write: (partial: string) => void): void {
  const partial = `${path}.${randomBytes(4).toString('hex')}`;
  write(partial);
  renameSync(partial, path);
}

function* tarFiles(tar: Buffer): Generator<[string, Buffer]> {
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const name = tar.toString('latin1', at, tar.indexOf(0, at));
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8);
    if (size > 0) yield [name, tar.subarray(at + 512, at + 512 + size)];
    at += 512 + Math.ceil(size / 512) * 512;
  }
}
