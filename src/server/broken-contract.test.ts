// Every way in which an actor can break its log's contract has a code that reaches the operator's log; the list is that of the source.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ContractBroken, contractCodes } from './broken-contract.ts';
import { openLog } from './telemetry/log.ts';

const source = (file: string) => readFileSync(new URL(`../../actors/log/${file}`, import.meta.url), 'utf8');

describe('a broken contract of a log', () => {
  it('has a code of its own for every reason that the log can give, and for no other', () => {
    const broken = Array.from(source('log.ts').matchAll(/#break\('([^']+)'\)/g), ([, reason]) => reason as string);
    const wrong = source('covered.ts').split('function wrongWith')[1]?.split('\n}')[0] ?? '';
    const refused = Array.from(wrong.matchAll(/return '([^']+)'/g), ([, reason]) => reason as string);
    expect(Object.keys(contractCodes).sort()).toEqual([...broken, ...refused].sort());
    expect(new Set(Object.values(contractCodes)).size).toBe(Object.keys(contractCodes).length);
  });

  it.each([...Object.entries(contractCodes), ['of @alice:localhost', 'LOG_OTHER']])('logs %s as %s', (reason, code) => {
    const folder = mkdtempSync(join(tmpdir(), 'luxchat-broken-'));
    openLog(folder, 'info').error('log contract broken', new ContractBroken(reason));
    const line = readFileSync(join(folder, 'logs', 'server.log'), 'utf8');
    rmSync(folder, { recursive: true });
    expect(JSON.parse(line)).toMatchObject({ event: 'log contract broken', error: 'ContractBroken', code });
    expect(line).not.toContain(reason);
  });
});
