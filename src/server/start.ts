// What `npm start` does: reads the configuration, starts the stand-in LuxID where no real one is set, starts the provider, says what a person
// needs next, and drains at Ctrl-C. Ends with code 2 and one sentence when a setting is wrong.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { checkFiles } from './access.ts';
import { type Config, infoBotName, infoBotOf, readConfig } from './config.ts';
import { ConfigError, flagOf } from './config-sources.ts';
import { type RunningBot, runInfoBot } from './info-bot.ts';
import { type LuxIdAddress, type Provider, startProvider } from './provider.ts';
import { runStaffCommand } from './report/staff-command.ts';
import { botSecretFile, secretsFolder } from './secrets.ts';
import { settings } from './settings.ts';

/** What the stand-in calls its login with a code (src/luxid/README.md). */
const standInAcr = 'urn:luxid:stand-in:password-sms';
/** A signal that follows another one within this time is the same. */
const sameSignalMs = 1_000;

/** What to do about the failures that a person can mend. */
function adviceFor(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  if (code === 'LISTEN_FAILED')
    return ' Something else uses it, or the address is not of this machine: choose others with --port, --ops-port, --host and --ops-host.';
  if (code === 'NATIVE_MODULE_FAILED') return ' Run npm ci again, or start it with --transport ws, which is slower.';
  if (code === 'LUXID_FAILED') return ' The reason stands above; another port is chosen with --luxid-port.';
  if (code === 'LOCKED') return ' Folders are chosen with --data.';
  return '';
}

/** Runs until a signal ends it. */
export async function start(): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof ConfigError) console.error(error.message);
    else
      console.error(
        `Luxchat could not start: ${error instanceof Error ? error.message : 'unknown error'}.${adviceFor(error)}`,
      );
    process.exit(error instanceof ConfigError ? 2 : 1);
  }
}

async function run(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) return console.log(helpText());
  if (args[0] === 'reports') return reports(args.slice(1));
  const config = readConfig({ args, env: process.env });
  checkFiles(config);
  let standIn: StandIn | undefined;
  const provider = await startProvider(config, {
    luxid: async (callback) => {
      if (config.luxidIssuer !== '') return realLuxId(config);
      standIn = await startStandIn(config, callback);
      return { issuer: standIn.issuer, clientId: config.luxidClientId, stepUpAcr: standInAcr };
    },
    warned: (what) => console.error(what),
    lost: (why) => {
      console.error(`Stopping. ${why}`);
      process.exit(1);
    },
  });
  // Whoever reads that it runs may send a signal at once.
  const bot = infoBotOf(config) === 'run' ? startInfoBot(config, provider) : undefined;
  drainOnSignal(provider, {
    // Not after the drain: it would only find the doors closed.
    before: () => bot?.stop(),
    after: () => standIn?.stop(),
  });
  announce(config, provider);
}

/** For the provider's people, beside a node that runs. Words come first, then settings. */
async function reports(args: readonly string[]): Promise<void> {
  const words = args.slice(0, args.findIndex((word) => word.startsWith('--')) >>> 0);
  const { data } = readConfig({ args: args.slice(words.length), env: process.env });
  const say = (line: string) => console.log(line);
  process.exitCode = await runStaffCommand({ words, data, now: Date.now, say });
}

function helpText(): string {
  const lines = settings.map(
    ({ name, fallback, meaning }) => `  ${flagOf(name).padEnd(32)}${meaning} (${fallback || '–'})`,
  );
  return [
    'One provider. npm start -- [--config FILE] [--SETTING VALUE …]; see src/server/README.md.',
    'Beside one that runs: npm -s start -- reports [all | close ID] [--data DIR] shows what its users reported, one JSON object a line.',
    ...lines,
  ].join('\n');
}

function realLuxId(config: Config): LuxIdAddress {
  const {
    luxidIssuer: issuer,
    luxidClientId: clientId,
    luxidClientSecretFile: file,
    luxidStepUpAcr: stepUpAcr,
  } = config;
  const address = { issuer, clientId, stepUpAcr };
  return file === '' ? address : { ...address, clientSecret: readFileSync(file, 'utf8').trim() };
}

interface StandIn {
  readonly issuer: string;
  stop(): void;
}

/** The stand-in is a program of its own; its codes "by SMS" appear on this console. */
function startStandIn(config: Config, callback: string): Promise<StandIn> {
  const program = new URL('../luxid/main.ts', import.meta.url).pathname;
  const args = [
    program,
    '--port',
    String(config.luxidPort),
    '--folder',
    join(config.data, 'luxid'),
    '--redirect',
    callback,
  ];
  args.push('--client-id', config.luxidClientId, '--end-with-stdin');
  if (config.luxidOpenUsers) args.push('--open-users');
  // It ends when this process does, however that ends: its stdin closes. Detached, so that Ctrl-C reaches it after the drain only.
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  let started = false;
  let stopping = false;
  const stop = () => {
    stopping = true;
    child.kill('SIGTERM');
  };
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('exit', (code) => {
      failed(Object.assign(new Error('the stand-in LuxID did not start'), { code: 'LUXID_FAILED' }));
      if (started && !stopping)
        console.error(
          `The stand-in LuxID ended with code ${code}: nobody can log in until this server is started again.`,
        );
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      console.log(line);
      const issuer = /^LuxID stand-in \(development only\): (\S+)/.exec(line)?.[1];
      if (!issuer) return;
      started = true;
      done({ issuer, stop });
    });
  });
}

function startInfoBot(config: Config, { url }: Provider): RunningBot {
  return runInfoBot({
    server: url,
    folder: join(config.data, 'bots', infoBotName),
    secretFile: botSecretFile(secretsFolder(config), infoBotName),
    privacyNotice: config.privacyNotice,
    isDevelopment: config.luxidIssuer === '',
    say: (sentence) => console.error(sentence),
  });
}

function announce(config: Config, provider: Provider): void {
  console.log(
    `Luxchat provider ${config.provider} is running at ${provider.url} (${config.transport === 'uws' ? 'uWebSockets.js' : 'ws, the slower fall-back transport'})`,
  );
  console.log(`Open a terminal client: npx luxchat login --server ${provider.url}   then: npx luxchat help`);
  if (infoBotOf(config) === 'run')
    console.log(
      `The Info bot @${infoBotName}:${config.provider} invites whoever logs in for the first time (--info-bot off: none).`,
    );
  console.log(`Health, readiness and metrics: ${provider.opsUrl}/health /ready /metrics`);
  console.log(`Data in ${resolve(config.data)}, log in ${resolve(config.data, 'logs', 'server.log')}. Ctrl-C stops.`);
}

/** What else is ended at a signal. */
interface Beside {
  readonly before: () => Promise<void> | undefined;
  readonly after: () => void;
}

function drainOnSignal(provider: Provider, beside: Beside): void {
  let beganMs: number | undefined;
  const drain = () => {
    // A second Ctrl-C means: now. Not so one that comes at once: a terminal tells all programs, and npm passes on what it is told.
    if (beganMs !== undefined && performance.now() - beganMs > sameSignalMs) process.exit(130);
    if (beganMs !== undefined) return;
    beganMs = performance.now();
    console.log('Draining: connections move away, everything is written …');
    const botGone = beside.before();
    Promise.all([provider.drain(), botGone]).then(
      () => {
        beside.after();
        console.log('Stopped.');
        process.exit(0);
      },
      (error: unknown) => {
        console.error(`Draining failed: ${error instanceof Error ? error.message : error}`);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', drain);
  process.on('SIGTERM', drain);
  const inTerminal = process.stdin.isTTY || process.stdout.isTTY;
  // In a terminal it says that the terminal was closed, and what is written there fails from now on; elsewhere somebody moved the log away.
  if (inTerminal) for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  process.on('SIGHUP', () => (inTerminal ? drain() : provider.reopenLog()));
}
