// The contract as a whole: the generated code is what the .proto files say, they keep buf's rules, and nothing that was released is broken.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { released } from './golden/released.ts';

const root = new URL('..', import.meta.url).pathname;
const bin = join(root, 'node_modules/.bin');
const buf = (...parameters: string[]) =>
  execFileSync(join(bin, 'buf'), parameters, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
  });

const contracts = Object.keys(released).filter((name) => name.startsWith('contract-'));

/** The parts of a descriptor set that are looked at. */
interface Image {
  readonly file: readonly { readonly name: string; readonly messageType?: readonly Message[] }[];
}
interface Message {
  readonly name: string;
  readonly field?: readonly { readonly number: number }[];
}

/** Numbers of the fields of each message that is hashed, signed or committed to. */
function fieldsIn({ file }: Image) {
  const hashed = file.filter(({ name }) => name === 'record.proto' || name === 'content.proto');
  return hashed.flatMap(({ messageType = [] }) =>
    messageType.map(({ name, field = [] }) => ({ message: name, numbers: field.map(({ number }) => number) })),
  );
}

describe('what was released', () => {
  const folder = join(root, 'proto/golden');
  const frozen = readdirSync(folder).filter((name) => /-\d+\./.test(name));

  it('is there, all of it, as it was', () => {
    expect(frozen.sort()).toEqual(Object.keys(released).sort());
    for (const [name, sha256] of Object.entries(released)) {
      const now = createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex');
      expect([name, now]).toEqual([name, sha256]);
    }
  });

  it('is written by nothing but a release', () => {
    const make = readFileSync(join(folder, 'make.ts'), 'utf8');
    expect(make.match(/at\('[^']*'\)/g)).toEqual(["at('messages.json')", "at('rules.json')"]);
  });
});

describe('the contract', () => {
  it('passes buf lint', () => {
    expect(buf('lint')).toBe('');
  });

  it.each(contracts)('breaks nothing of %s', (name) => {
    expect(buf('breaking', '--against', `proto/golden/${name}`)).toBe('');
  });

  it.each([
    ['nothing changed', '', '', false],
    ['a new field', 'uint32 expiry_day = 14;', 'uint32 expiry_day = 14; bool more = 15;', false],
    ['a field with another number', 'uint64 written_ms = 13;', 'uint64 written_ms = 99;', true],
    ['a field that is gone', 'uint64 send_id = 4;', '', true],
    ['a field of another type', 'uint32 expiry_day = 11;', 'uint64 expiry_day = 11;', true],
    ['a code with another number', 'REJECTION_BUSY = 1;', 'REJECTION_BUSY = 9;', true],
  ])('is found to break, or not, with %s', (_what, was, is, breaks) => {
    const changed = mkdtempSync(join(tmpdir(), 'luxchat-breaking-'));
    try {
      for (const name of readdirSync(join(root, 'proto')).filter((each) => each.endsWith('.proto'))) {
        writeFileSync(join(changed, name), readFileSync(join(root, 'proto', name), 'utf8').replace(was, is));
      }
      const check = () => buf('breaking', changed, '--against', join(root, 'proto/golden', contracts[0]!));
      if (breaks) expect(check).toThrow();
      else expect(check()).toBe('');
    } finally {
      rmSync(changed, { recursive: true });
    }
  });

  // Canonical bytes put fields that a reader does not know behind all others: a lower number would be out of order to every older reader.
  it.each(contracts)('gives fields that came after %s to what is hashed numbers above its own', (name) => {
    const image = JSON.parse(buf('build', `proto/golden/${name}`, '-o', '-#format=json')) as Image;
    const before = new Map(fieldsIn(image).map(({ message, numbers }) => [message, numbers]));
    for (const { message, numbers } of fieldsIn(JSON.parse(buf('build', '-o', '-#format=json')) as Image)) {
      const old = before.get(message);
      const added = old === undefined ? [] : numbers.filter((number) => !old.includes(number));
      expect([message, added.filter((number) => number < Math.max(...(old ?? [])))]).toEqual([message, []]);
    }
  });

  it('is what the generated code was made from (else: npm run gen)', () => {
    const fresh = mkdtempSync(join(tmpdir(), 'luxchat-gen-'));
    try {
      buf('generate', '--output', fresh);
      const made = join(fresh, 'proto/gen');
      const kept = join(root, 'proto/gen');
      expect(readdirSync(kept).sort()).toEqual(readdirSync(made).sort());
      for (const name of readdirSync(made)) {
        const same = readFileSync(join(kept, name), 'utf8') === readFileSync(join(made, name), 'utf8');
        expect([name, same]).toEqual([name, true]);
      }
    } finally {
      rmSync(fresh, { recursive: true });
    }
  });
});
