// Cassandra's `nodetool` for a node of ours: compact, flush, garbagecollect, repair, status… Takes one to two seconds each, nearly all of it Java's start.
import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { promisify } from 'node:util';
import { DevFailure } from '../failure.ts';
import { cassandraJars } from './jars.ts';
import { findJava, openModules } from './java.ts';
import type { CassandraNode } from './node.ts';

const run = promisify(execFile);

/** Runs one nodetool command, such as `nodetool(node, 'compact', 'luxchat', 'log')`, and gives what it printed. Throws NODETOOL_FAILED. */
export async function nodetool(node: Pick<CassandraNode, 'jmxPort' | 'folder'>, ...args: string[]): Promise<string> {
  const [java, jars] = await Promise.all([findJava(), cassandraJars()]);
  const command = [
    '-Xmx64M',
    '-XX:TieredStopAtLevel=1',
    ...openModules,
    `-Duser.home=${node.folder}`,
    `-Djava.io.tmpdir=${node.folder}/tmp`,
    `-Dcassandra.storagedir=${node.folder}`,
    '-cp',
    [`${node.folder}/conf`, ...jars].join(delimiter),
    'org.apache.cassandra.tools.NodeTool',
    '-h',
    '127.0.0.1',
    '-p',
    String(node.jmxPort),
  ];
  try {
    return (await run(java, [...command, ...args], { timeout: 120_000, maxBuffer: 16 * 1024 * 1024 })).stdout;
  } catch (cause) {
    const { stdout, stderr } = cause as { stdout?: string; stderr?: string };
    throw new DevFailure('NODETOOL_FAILED', `nodetool ${args.join(' ')} failed: ${stderr || stdout || cause}`, {
      next: 'Is the node running, and is the command spelt as in `nodetool help`?',
      cause,
    });
  }
}
