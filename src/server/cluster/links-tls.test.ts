// Links that are encrypted: both ends show a certificate of the cluster's authority, which `openssl` makes anew for each run.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { linkLimits } from './link.ts';
import type { LinksOptions } from './links.ts';
import { Speaker, TestNode, until } from './testing/nodes.ts';

type Tls = NonNullable<LinksOptions['tls']>;

const folder = mkdtempSync(join(tmpdir(), 'luxchat-tls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Certificate and key of a node at 127.0.0.1, signed by an authority of its own or by a given one. */
function made(name: string, { authority = `${name}-ca`, address = '127.0.0.1' } = {}): Tls {
  const file = (suffix: string) => join(folder, suffix);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const key = (to: string) => openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', file(to));
  const [ca, caKey] = [`${authority}.pem`, `${authority}.key`];
  if (authority === `${name}-ca`) {
    key(caKey);
    openssl('req', '-x509', '-new', '-key', file(caKey), '-subj', `/CN=${authority}`, '-days', '2', '-out', file(ca));
  }
  key(`${name}.key`);
  openssl('req', '-new', '-key', file(`${name}.key`), '-subj', `/CN=${name}`, '-out', file(`${name}.csr`));
  writeFileSync(file(`${name}.ext`), `subjectAltName=IP:${address}\n`);
  const signed = ['-CA', file(ca), '-CAkey', file(caKey), '-CAcreateserial', '-extfile', file(`${name}.ext`)];
  openssl('x509', '-req', '-in', file(`${name}.csr`), ...signed, '-days', '2', '-out', file(`${name}.pem`));
  const text = (suffix: string) => readFileSync(file(suffix), 'utf8');
  return { cert: text(`${name}.pem`), key: text(`${name}.key`), ca: text(ca) };
}

const ours = made('ours');
const theirs = made('theirs');
/** Signed by our authority, for another machine. */
const elsewhere = made('elsewhere', { authority: 'ours-ca', address: '192.0.2.1' });

const nodes: TestNode[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.links.close();
});

async function start(seat: number, options: Partial<LinksOptions> = {}): Promise<TestNode> {
  const node = await new TestNode(seat, options).listen();
  nodes.push(node);
  return node;
}

/** Nodes 1 and 2 try, and by the time that node 3, which is as it should be, is linked to 1, it is known what came of it. */
async function tried(one: Partial<LinksOptions>, two: Partial<LinksOptions>): Promise<[TestNode, TestNode]> {
  const [older, younger] = [await start(1, one), await start(2, two)];
  younger.links.want([older.place]);
  const good = await start(3, one);
  good.links.want([older.place]);
  await until('the good one is linked', () => good.seats.includes(1));
  return [older, younger];
}

describe('a link with TLS', () => {
  it('comes up between nodes with certificates of one authority, and carries packets', async () => {
    const [older, younger] = await tried({ tls: ours }, { tls: made('second', { authority: 'ours-ca' }) });
    await until('they are linked', () => younger.seats.includes(1));
    younger.links.send(1, { kind: 'owns', shards: [1] });
    await until('it came', () => older.received.length === 1);
  });

  it.each<[string, Partial<LinksOptions>]>([
    ['a certificate of another authority, which it trusts itself', { tls: theirs }],
    ['a certificate of another authority, trusting ours', { tls: { ...theirs, ca: ours.ca } }],
    ['no encryption', {}],
  ])('does not come up for a dialler with %s', async (_, options) => {
    const [older, younger] = await tried({ tls: ours }, options);
    expect(older.happened).not.toContain('up 2');
    expect(younger.happened).toEqual([]);
  });

  it.each<[string, Tls]>([
    ['a certificate of another authority', { ...theirs, ca: ours.ca }],
    ['a certificate for another address', elsewhere],
  ])('does not come up with an answerer that has %s', async (_, tls) => {
    const answerer = await start(1, { tls });
    const good = await start(2, { tls: ours });
    const dialler = await start(3, { tls: ours });
    dialler.links.want([answerer.place, good.place]);
    await until('the good one is linked', () => dialler.seats.includes(2));
    expect([answerer.happened, dialler.happened]).toEqual([[], ['up 2']]);
  });

  it('does not come up for a stranger without a certificate, who hears no hello', async () => {
    const node = await start(1, { tls: ours });
    const socket = connectTls({ host: '127.0.0.1', port: node.port, ca: ours.ca });
    const speaker = new Speaker(socket);
    await speaker.closed();
    expect([speaker.heard, node.happened]).toEqual([[], []]);
  });

  it('still needs the secret', async () => {
    const [older] = await tried({ tls: ours }, { tls: ours, secret: Buffer.from('a guess') });
    expect(older.happened).not.toContain('up 2');
  });

  it('does not wait for a stranger that does not begin to encrypt', async () => {
    const node = await start(1, { tls: ours, limits: { handshakeMs: 50 } });
    const speaker = await Speaker.dial(node.port);
    await speaker.closed();
  });

  // Half a connection kept the port from closing for the two minutes that Node gives a TLS handshake.
  it('does not keep the port from closing while it is not encrypted yet', async () => {
    const node = await start(1, { tls: ours });
    const speaker = await Speaker.dial(node.port);
    await node.links.close();
    await speaker.closed();
  });

  it('is given up when the other end accepts and does not begin to encrypt', async () => {
    const silent = await start(1, { limits: { ...linkLimits, silenceMs: 60_000, handshakeMs: 60_000 } });
    const node = await start(2, { tls: ours, limits: { handshakeMs: 50 } });
    const good = await start(0, { tls: ours });
    node.links.want([silent.place, good.place]);
    await until('the good one is linked', () => node.seats.includes(0));
    expect(node.happened).toEqual(['up 0']);
  });
});
