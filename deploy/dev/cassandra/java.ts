// The Java that runs Cassandra, and the flags that Java 17 needs for it: Cassandra reaches into the JDK's own packages, which must be opened by name.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DevFailure } from '../failure.ts';

const run = promisify(execFile);

/** The Java 17 of `JAVA_HOME`, of PATH, or of Debian's usual folder, in this order. Throws JAVA_MISSING. */
export async function findJava(): Promise<string> {
  const { JAVA_HOME } = process.env;
  const candidates = [...(JAVA_HOME ? [join(JAVA_HOME, 'bin/java')] : []), 'java', ...installed()];
  for (const java of candidates) if ((await majorOf(java)) === 17) return java;
  throw new DevFailure('JAVA_MISSING', 'Cassandra 5.0 is run by Java 17, and there is none here.', {
    next: 'Install a Java 17 runtime (Debian: apt install openjdk-17-jre-headless) or point JAVA_HOME at one.',
  });
}

async function majorOf(java: string): Promise<number | undefined> {
  try {
    const { stderr } = await run(java, ['-version'], { timeout: 20_000 });
    return Number(/version "(\d+)/.exec(stderr)?.[1]);
  } catch {
    return undefined; // Not there, or not a Java: the next candidate.
  }
}

function installed(): string[] {
  try {
    const folder = '/usr/lib/jvm';
    return readdirSync(folder)
      .filter((name) => name.includes('17'))
      .map((name) => join(folder, name, 'bin/java'));
  } catch {
    // No such folder.
    return [];
  }
}

const exported = [
  'java.base/jdk.internal.misc',
  'java.base/jdk.internal.ref',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
];
const opened = [
  'java.lang',
  'java.lang.reflect',
  'java.io',
  'java.util',
  'java.nio',
  'sun.nio.ch',
  'jdk.internal.ref',
].map((name) => `java.base/${name}`);

/** Flags that open what Cassandra and its tools reach into. */
export const openModules: readonly string[] = [
  ...exported.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
  ...opened.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
];
