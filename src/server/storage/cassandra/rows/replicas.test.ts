import { expect, it } from 'vitest';
import { Replicas, type Ring } from './replicas.ts';

/** Servers a to e in a ring; which three hold a partition is in the first letter of its log. */
function ring(servers: number): Ring & { asked: number } {
  const hosts = Array.from({ length: servers }, (_, n) => ({ address: String.fromCharCode(97 + n) }));
  const ranges = hosts.map((_, n) => [0, 1, 2].map((next) => hosts[(n + next) % servers]!));
  return {
    keyspace: 'k',
    hosts,
    asked: 0,
    getReplicas(keyspace, routingKey) {
      this.asked++;
      expect(keyspace).toBe('k');
      return ranges[routingKey[2]! - 97]!;
    },
  };
}

it('names the servers of a partition, the same ones alike', () => {
  const replicas = new Replicas(ring(5));
  expect(['a', 'b', 'd', 'e', 'a'].map((log) => replicas.of(log, 1))).toEqual([
    'a b c',
    'b c d',
    'a d e',
    'a b e',
    'a b c',
  ]);
});

it('does not look where each server holds everything, until there is another one', () => {
  const few = ring(3);
  const replicas = new Replicas(few);
  expect(['a', 'b', 'c'].map((log) => replicas.of(log, 1))).toEqual(['', '', '']);
  expect(few.asked).toBe(1);
  (few.hosts as unknown[]).push({ address: 'd' });
  expect(replicas.of('b', 1)).toBe('a b c');
});

it('asks with the key that Cassandra makes its token of', () => {
  let key = '';
  const getReplicas: Ring['getReplicas'] = (_, routingKey) => {
    key = routingKey.toString('hex');
    return null;
  };
  expect(new Replicas({ keyspace: 'k', hosts: [1, 2], getReplicas }).of('é', 7)).toBe('');
  expect(key).toBe('0002c3a900' + '000400000007' + '00');
});
