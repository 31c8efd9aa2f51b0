import { describe, expect, it } from 'vitest';
import { checkSetting, faultsOf } from './settings.ts';

describe('settings of a server', () => {
  const said = (name: string, value: string | null) => {
    const heard: string[] = [];
    checkSetting({ at: 'A', name, value }, { needed: 16, unsafe: (sentence) => void heard.push(sentence) });
    return heard;
  };

  it('are safe, or each is told with what to set', () => {
    for (const value of ['group', 'batch']) expect(said('commitlog_sync', value)).toEqual([]);
    expect(said('commitlog_sync', 'periodic')).toEqual([expect.stringContaining('A has commitlog_sync periodic')]);
    expect(said('paxos_variant', 'v2')).toEqual([]);
    // A refused change is not linearizable there.
    for (const value of ['v1', 'v2_without_linearizable_reads', 'v1_without_linearizable_reads_or_rejected_writes'])
      expect(said('paxos_variant', value)).toHaveLength(1);
  });
});

describe('a keyspace', () => {
  const network = 'org.apache.cassandra.locator.NetworkTopologyStrategy';
  const faults = (replication: Record<string, string>, copies = 3, durable = true) =>
    faultsOf({ replication, durable_writes: durable }, { keyspace: 'k', datacenter: 'd', copies });

  it('is as safe as the node was told, or as three copies', () => {
    expect(faults({ class: network, d: '3' })).toEqual([]);
    expect(faults({ class: network, d: '3' }, 5)).toEqual([]);
    expect(faults({ class: network, d: '1' }, 1)).toEqual([]);
  });

  it.each([
    [{ class: network, d: '2' }, 'keeps 2 copies in d, and 3 are needed'],
    [{ class: network, d: '3/1' }, 'keeps 3/1 copies in d'],
    [{ class: network, e: '3' }, 'keeps 0 copies in d'],
    [{ class: 'org.apache.cassandra.locator.SimpleStrategy', replication_factor: '3' }, 'by SimpleStrategy'],
  ])('is not with %j', (replication, sentence) => {
    expect(faults(replication as unknown as Record<string, string>)).toEqual([expect.stringContaining(sentence)]);
  });

  it('is not without durable writes', () => {
    expect(faults({ class: network, d: '3' }, 3, false)).toEqual([expect.stringContaining('durable_writes')]);
  });
});
