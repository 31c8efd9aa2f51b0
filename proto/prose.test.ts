// The prose keeps step with the contract: codes, limits and formats are listed completely, and nothing is listed that is not there.
import { readFileSync } from 'node:fs';
import type protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { Disconnect, Rejection } from './gen/codes.ts';
import { messageTypes } from './golden/sample.ts';
import { limits } from './rules/limits.ts';

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
const readme = read('README.md');
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The rows `| number | NAME |` of the table whose second column is headed `title`. */
function codeRows(title: string): string[] {
  const table = readme.split(`| number | ${title} |`)[1]!.split('\n\n')[0]!;
  return Array.from(table.matchAll(/^\| (\d+) \| ([A-Z_]+) \|/gm), ([, number, name]) => `${number} ${name}`);
}

describe('README.md', () => {
  it('lists exactly the rejections', () => {
    const codes = Object.entries(Rejection).map(([name, number]) => `${number} ${name.replace('REJECTION_', '')}`);
    expect(codeRows('rejection')).toEqual(codes);
  });

  it('lists exactly the disconnects', () => {
    const codes = Object.entries(Disconnect).map(([name, number]) => `${number} ${name.replace('DISCONNECT_', '')}`);
    expect(codeRows('disconnect')).toEqual(codes);
  });

  it('lists exactly the limits with their values', () => {
    const rows = Array.from(readme.matchAll(/^\| `([a-zA-Z]+)` \| ([\d,]+) \|/gm), ([, name, value]) => [
      name,
      Number(value!.replaceAll(',', '')),
    ]);
    expect(rows).toEqual(Object.entries(limits));
  });
});

describe('formats.md', () => {
  const formats = read('formats.md');
  const rowsOf = (section: string) =>
    Array.from(section.matchAll(/^\| ([A-Za-z_.*]+) \|/gm), ([, name]) => name!).filter((name) => name !== 'field');

  it('lists exactly the fields of record.proto and backup.proto', () => {
    const types = messageTypes().filter((type) => /(?:record|backup)\.proto$/.test(type.filename ?? ''));
    const fieldsOf = (type: protobuf.Type) => type.fieldsArray.map((field) => `${type.name}.${snake(field.name)}`);
    const listed = formats
      .split(/^## /m)
      .slice(1)
      .flatMap((section) => {
        const title = section.slice(0, section.indexOf('\n'));
        return rowsOf(section).map((name) => (name.includes('.') ? name : `${title}.${name}`));
      })
      .flatMap((name) => {
        const type = types.find((candidate) => `${candidate.name}.*` === name);
        return type === undefined ? [name] : fieldsOf(type);
      });
    const fields = types.flatMap(fieldsOf);
    expect(listed.sort()).toEqual(fields.sort());
  });
});
