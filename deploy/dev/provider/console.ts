// What one may type where `npm run dev:cluster` runs: the faults that a node can have, and how the nodes are. Every line is answered in a sentence that
// says what to type next; nothing typed here ends the program but `quit`.

import type { ProcessEnd } from '../server-process.ts';
import type { NodeNumbers } from './look.ts';
import type { ProviderNode } from './provider.ts';

/** A node as the console needs it. */
export type ConsoleNode = Pick<
  ProviderNode,
  'name' | 'url' | 'opsUrl' | 'pid' | 'alive' | 'output' | 'kill' | 'pause' | 'resume' | 'stop' | 'start'
>;

export interface ConsoleParts {
  readonly nodes: readonly ConsoleNode[];
  /** Address of the balancer. */
  readonly address: string;
  readonly numbers: (opsUrl: string) => Promise<NodeNumbers | null>;
  readonly say: (line: string) => void;
  readonly quit: () => void;
}

const words = {
  status: 'status',
  kill: 'kill n2      SIGKILL, as when the machine loses its power',
  drain: 'drain n2     SIGTERM: it hands over its rooms and connections, then ends',
  pause: 'pause n2     SIGSTOP: it holds its connections and does nothing',
  resume: 'resume n2    SIGCONT',
  start: 'start n2     at the same addresses',
  help: 'help',
  quit: 'quit         or Ctrl-C: ends everything',
} as const;
type Word = keyof typeof words;

/** The console of one cluster. */
export class DevConsole {
  readonly #parts: ConsoleParts;
  readonly #starting = new Set<ConsoleNode>();
  readonly #draining = new Set<ConsoleNode>();
  readonly #paused = new Set<ConsoleNode>();
  readonly #ends = new Map<ConsoleNode, string>();

  constructor(parts: ConsoleParts) {
    this.#parts = parts;
  }

  /** Takes one line that was typed; resolves when it was answered, which for `drain` and `start` is when that is done. Never rejects. */
  async take(line: string): Promise<void> {
    const [word = '', name, ...rest] = line.trim().split(/\s+/);
    if (word === '') return;
    const { say, quit } = this.#parts;
    try {
      if (!Object.hasOwn(words, word) || rest.length > 0) return say(`There is no command "${line.trim()}". ${known}`);
      if (word === 'help') for (const each of Object.values(words)) say(`  ${each}`);
      else if (word === 'status') await this.#status();
      else if (word === 'quit') quit();
      else await this.#onNode(word as Word, name);
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  }

  /** A node's process has ended, whoever did it. */
  ended(name: string, end: ProcessEnd): void {
    const node = this.#parts.nodes.find((each) => each.name === name);
    if (!node) return;
    const how =
      end.signal !== null ? `by ${end.signal}` : `with code ${end.code}${this.#draining.has(node) ? ', drained' : ''}`;
    this.#paused.delete(node);
    this.#ends.set(node, how);
    const last = end.code === null || end.code === 0 ? '' : (node.output().trimEnd().split('\n').at(-1) ?? '');
    this.#parts.say(`${name} has ended ${how}. Start it again: start ${name}`);
    if (last !== '') this.#parts.say(`  its last words: ${last}`);
  }

  async #onNode(word: Word, name: string | undefined): Promise<void> {
    const { nodes, say } = this.#parts;
    const node = nodes.find((each) => each.name === name || each.name === `n${name}`);
    if (!node) return say(`${word} which node? ${nodes.map((each) => `${word} ${each.name}`).join(', ')}`);
    if (word === 'start') return await this.#start(node);
    if (!node.alive()) return say(`${node.name} does not run. Start it: start ${node.name}`);
    if (word === 'kill') return await node.kill();
    if (word === 'drain') return await this.#drain(node);
    if (word === 'pause') {
      node.pause();
      this.#paused.add(node);
      return say(`${node.name} is paused: the others take its rooms over. Let it go on: resume ${node.name}`);
    }
    node.resume();
    this.#paused.delete(node);
    say(`${node.name} goes on`);
  }

  async #start(node: ConsoleNode): Promise<void> {
    const { say } = this.#parts;
    if (this.#starting.has(node)) return say(`${node.name} is starting`);
    if (node.alive()) return say(`${node.name} runs already (pid ${node.pid})`);
    this.#starting.add(node);
    say(`${node.name} is starting …`);
    try {
      await node.start();
      say(`${node.name} runs again (pid ${node.pid}) at ${node.url}`);
    } finally {
      this.#starting.delete(node);
    }
  }

  async #drain(node: ConsoleNode): Promise<void> {
    const { say } = this.#parts;
    if (this.#draining.has(node)) return say(`${node.name} drains already`);
    this.#draining.add(node);
    this.#paused.delete(node);
    say(`${node.name} drains …`);
    try {
      await node.stop();
    } finally {
      this.#draining.delete(node);
    }
  }

  async #status(): Promise<void> {
    const { nodes, address, numbers, say } = this.#parts;
    const rows = await Promise.all(
      nodes.map(async (node) => ({ node, numbers: node.alive() ? await numbers(node.opsUrl) : null })),
    );
    const line = (...cells: readonly (string | number)[]) =>
      cells
        .map((cell, at) => String(cell).padEnd(at === 1 ? 10 : 12))
        .join('')
        .trimEnd();
    say(line('node', 'alive', 'ready', 'shards', 'links', 'connections'));
    for (const { node, numbers: its } of rows) {
      if (!node.alive())
        say(line(node.name, 'no', `ended ${this.#ends.get(node) ?? ''}. Start it: start ${node.name}`));
      else if (its === null) say(line(node.name, 'yes', this.#silence(node)));
      else say(line(node.name, 'yes', its.ready ? 'yes' : 'no', `${its.shards} of 64`, its.links, its.connections));
    }
    say(`All of them at ${address}`);
  }

  #silence(node: ConsoleNode): string {
    if (this.#paused.has(node)) return `is paused. Let it go on: resume ${node.name}`;
    return this.#starting.has(node) ? 'is starting' : 'does not answer';
  }
}

const known = `Commands: ${Object.keys(words).join(', ')}.`;
