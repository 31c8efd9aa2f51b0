// For tests: engines of several devices on one key server, and the inbox carried between them until nothing moves.
import type { CryptoEngine, CryptoLedger, ReceiveReport, Rotation, Verification } from './engine.ts';
import { MemoryLedger } from './ledger.ts';
import { type EngineOptions, openEngine } from './olm-engine.ts';
import { TestServer } from './test-server.ts';

export const alice = '@alice:lux';
export const bob = '@bob:lux';
export const room = '!room:lux';
/** Bounds that no test reaches unless it means to. */
export const wide: Rotation = { messages: 10_000, ageMs: 30 * 86_400_000 };

/** How a device joins the world. */
export interface DeviceOptions {
  /** It creates its user's identity. */
  first?: boolean;
  /** It knows nobody yet, and nobody is told of it. */
  alone?: boolean;
  ledger?: CryptoLedger;
  /** Default: `openEngine`. */
  open?: (options: EngineOptions) => Promise<CryptoEngine>;
}

export class TestWorld {
  server = new TestServer();
  engines: CryptoEngine[] = [];
  /** Epoch milliseconds of every engine's clock. */
  nowMs = 1_800_000_000_000;

  /** A further device; the first of a user creates the identity. */
  async device(user: string, device: string, options: DeviceOptions = {}): Promise<CryptoEngine> {
    const engine = await (options.open ?? openEngine)({
      user,
      device,
      server: this.server.portOf(user, device),
      ledger: options.ledger ?? new MemoryLedger(),
      now: () => this.nowMs,
    });
    this.engines.push(engine);
    await engine.flush();
    if (options.first) await engine.createIdentity();
    for (const other of this.engines) await other.receive({ messages: [], changedUsers: [user] });
    if (options.alone) return engine;
    for (const other of this.engines) await other.track([...this.server.users.keys()]);
    await this.settle();
    return engine;
  }

  /** Brings one device what waits for it. */
  async receive(engine: CryptoEngine): Promise<ReceiveReport> {
    const messages = this.server.fetch(engine.user, engine.device);
    return engine.receive({ messages, oneTimeKeys: this.server.oneTimeKeys(engine.user, engine.device) });
  }

  /** Flushes and delivers between all devices until no message is on its way. */
  async settle(engines: readonly CryptoEngine[] = this.engines): Promise<void> {
    for (let idle = 0; idle < 2; ) {
      let moved = 0;
      for (const engine of engines) {
        moved += this.server.inboxes.get(`${engine.user} ${engine.device}`)?.length ?? 0;
        await this.receive(engine);
        moved += (await engine.flush()).sent;
      }
      idle = moved === 0 ? idle + 1 : 0;
    }
  }

  /** Two own devices compare emoji and agree. */
  async verify(older: CryptoEngine, newer: CryptoEngine): Promise<void> {
    const { flowId } = await newer.requestVerification(older.device);
    await this.settle();
    await older.acceptVerification(flowId);
    await this.settle();
    const [shown, other] = [emojiOf(older, flowId), emojiOf(newer, flowId)];
    if (shown.length !== 7 || shown.join() !== other.join()) throw new Error('the emoji differ');
    await older.confirmVerification(flowId);
    await newer.confirmVerification(flowId);
    await this.settle();
    for (const engine of this.engines) await engine.receive({ messages: [], changedUsers: [older.user] });
    await this.settle();
  }

  async close(): Promise<void> {
    for (const engine of this.engines) await engine.close();
  }
}

/** The flow as one engine has it. */
export function flowOf(engine: CryptoEngine, flowId: string): Verification | undefined {
  return engine.verifications().find((flow) => flow.flowId === flowId);
}

function emojiOf(engine: CryptoEngine, flowId: string): string[] {
  const state = flowOf(engine, flowId)?.state;
  return state?.phase === 'emoji' ? state.emoji.map(({ symbol }) => symbol) : [];
}
