// A Cassandra that asks for a user and speaks TLS, and one whose settings or keyspace are not safe: a real server that is set so.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cassandra, startCassandra } from '../../../../deploy/dev/cassandra/cassandra.ts';
import { Certificates } from '../../test/certificates.ts';
import { driver } from './connection.ts';
import { type CassandraOptions, CassandraStore } from './store.ts';

const certificates = new Certificates();
const text = (name: string) => certificates.text(name);

let cassandra: Cassandra;
let options: CassandraOptions;
const heard: string[] = [];
const user = { username: 'cassandra', password: 'cassandra' };

beforeAll(async () => {
  for (const name of ['ca', 'other']) certificates.authority(name);
  certificates.sign('server', { authority: 'ca', address: '127.0.0.1' });
  certificates.sign('node', { authority: 'ca', address: '127.0.0.9' });
  const both = certificates.write('server.both', text('server.key') + text('server.pem'));
  cassandra = await startCassandra({
    nodes: 1,
    jvm: ['-Dcassandra.superuser_setup_delay_ms=0'],
    tune: {
      authenticator: 'PasswordAuthenticator',
      // Plain as well, for whoever starts it.
      client_encryption_options: {
        enabled: true,
        optional: true,
        require_client_auth: true,
        ssl_context_factory: { class_name: 'org.apache.cassandra.security.PEMBasedSslContextFactory' },
        keystore: both,
        truststore: certificates.path('ca.pem'),
      },
      commitlog_sync: 'periodic',
      commitlog_sync_period: '10000ms',
      commitlog_sync_group_window: undefined,
      paxos_variant: 'v1',
    },
  });
  const { contactPoints, port } = cassandra;
  const place = { contactPoints, port, localDataCenter: 'datacenter1', keyspace: 'test', now: Date.now };
  const tls = { ca: text('ca.pem'), cert: text('node.pem'), key: text('node.key') };
  const unsafe = (sentence: string) => void heard.push(sentence);
  options = { ...place, credentials: user, tls, unsafe, replicationFactor: 1 };
});
afterAll(async () => {
  await cassandra?.stop();
  certificates.remove();
});

const opened = async (more: Partial<CassandraOptions> & { without?: readonly (keyof CassandraOptions)[] } = {}) => {
  const { without = [], ...changed } = more;
  const asked = Object.entries({ ...options, ...changed }).filter(([name]) => !without.includes(name as never));
  const store = await CassandraStore.open(Object.fromEntries(asked) as unknown as CassandraOptions);
  await store.close();
};

describe('a store that asks who comes, and speaks TLS', () => {
  it('lets in who has the password and shows a certificate', async () => {
    await opened();
  });

  it('says so when the password is wrong or missing', async () => {
    const sentence = {
      code: 'UNREACHABLE',
      message: expect.stringMatching(/: user and password are not accepted, or missing$/),
    };
    await expect(opened({ credentials: { ...user, password: 'wrong' } })).rejects.toMatchObject(sentence);
    await expect(opened({ without: ['credentials'] })).rejects.toMatchObject(sentence);
  });

  it('is refused when another authority signed its certificate, and does not talk to who shows none', async () => {
    await expect(opened({ tls: { ...options.tls, ca: text('other.pem') } })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining(': no encrypted connection ('),
    });
    await expect(opened({ tls: { ca: text('ca.pem') } })).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });
});

describe('a store that is not safe', () => {
  it('is said to be so, each setting once, and where nothing else is said it is refused', async () => {
    heard.length = 0;
    await opened();
    expect(heard).toEqual([
      expect.stringMatching(/ has commitlog_sync periodic, so a power cut would forget .*: set it to group$/),
      expect.stringMatching(/ has paxos_variant v1, so .*: set it to v2$/),
    ]);
    await expect(opened({ without: ['unsafe'] })).rejects.toMatchObject({
      code: 'UNUSABLE',
      message: expect.stringContaining('commitlog_sync periodic'),
    });
  });

  it('is one whose keyspace keeps fewer copies than the node was told, or does not keep them durably', async () => {
    const said = async (more: Partial<CassandraOptions> = {}) => {
      heard.length = 0;
      await opened(more);
      return heard.filter((each) => each.startsWith('The keyspace'));
    };
    expect(await said()).toEqual([]);
    expect(await said({ replicationFactor: 3 })).toEqual([
      "The keyspace test keeps 1 copies in datacenter1, and 3 are needed: alter it to NetworkTopologyStrategy with 'datacenter1': 3, then repair it on every server",
    ]);
    const client = driver(options, {});
    await client.execute('alter keyspace test with durable_writes = false');
    await client.shutdown();
    expect(await said()).toEqual([expect.stringContaining('durable_writes off')]);
  });
});
