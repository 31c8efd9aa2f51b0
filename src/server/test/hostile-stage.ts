// The stage of hostile tests: Mallory, who has a real account, a confirmed device and a seat in Vera's group, and makes whatever frames she likes.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Author, controlBytes, type Statement, signControl } from '#client/chain/control-author.ts';
import type { LoggedIn } from '#client/connection/login.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { createDevice, openDevice } from '#client/node/device-folder.ts';
import { portablePrimitives as primitives } from '#client/primitives.ts';
import type { Submit } from '#proto/gen/client.ts';
import { Algorithm, ControlKind, type Event, EventHeader, EventKind, MemberStatus } from '#proto/gen/record.ts';
import { zeroHash } from '#proto/rules/bytes/bytes.ts';
import { controlHead } from '#proto/rules/control/state.ts';
import { eventually, type ProviderProcess } from './harness.ts';
import { type Asking, RawSocket, rawLogin } from './hostile-socket.ts';

/** Two devices of Mallory, and the people around her. */
export interface Stage {
  readonly provider: ProviderProcess;
  /** Her confirmed device: what it knows and can sign. Its own session was replaced by raw ones. */
  readonly mallory: LuxchatClient;
  readonly login: LoggedIn;
  /** A second device of hers that nobody confirmed. */
  readonly stray: LoggedIn;
  /** Owner of `group`, in which Mallory is a plain member. */
  readonly vera: LuxchatClient;
  readonly group: string;
  /** A group of Mallory's own. */
  readonly own: string;
}

/** Builds it. */
export async function hostileStage(provider: ProviderProcess): Promise<Stage> {
  const login = await rawLogin(provider, 'mallory');
  const folder = mkdtempSync(join(tmpdir(), 'luxchat-device-'));
  await createDevice(folder, provider.url, login);
  const mallory = await openDevice(folder, { backoffMaxMs: 500 });
  await mallory.start();
  await mallory.synced();
  const vera = await provider.device('vera');
  const group = await vera.createGroup({ name: 'garden', invite: [mallory.user] });
  const standing = () => mallory.rooms().find(({ room }) => room === group)?.status;
  await eventually('mallory is invited', () => standing() === MemberStatus.MEMBER_STATUS_INVITED);
  await mallory.accept(group);
  await eventually('vera sees mallory', () => vera.members(group).filter((member) => member.status === 2).length === 2);
  await mallory.held.need(group).replica.catchUp();
  const own = await mallory.createGroup({ name: 'den' });
  await mallory.flushed();
  const stray = await rawLogin(provider, 'mallory', 'stray');
  // From here on the SDK's session is gone for good and the raw ones take over.
  for (const { accessToken } of [login, stray]) (await RawSocket.greet(provider, accessToken)).close();
  return { provider, mallory, login, stray, vera, group, own };
}

let sendId = 1_000;

/** A send id that was not used before. */
export function freshSendId(): number {
  return ++sendId;
}

/** An event of Mallory's, right in every part but those given. */
export function eventOf(
  stage: Stage,
  over: Partial<EventHeader> = {},
  body: Uint8Array = crypto.getRandomValues(new Uint8Array(64)),
): Event {
  const chain = stage.mallory.held.need(stage.group).replica.chain;
  const plain = over.kind !== undefined && over.kind !== EventKind.EVENT_KIND_CONTENT;
  const header = EventHeader.encode({
    room: stage.group,
    member: chain.memberOf(stage.mallory.user),
    device: stage.login.deviceNumber,
    sendId: freshSendId(),
    kind: EventKind.EVENT_KIND_CONTENT,
    algorithm: plain ? Algorithm.ALGORITHM_NONE : Algorithm.ALGORITHM_MEGOLM_V1,
    bodySize: body.length,
    bodyHash: primitives.sha256(body),
    control: controlHead(chain.state),
    counts: !plain,
    expiryDay: 0,
    commitment: plain ? new Uint8Array() : new Uint8Array(32),
    ...over,
  });
  return { header: header.finish(), body };
}

/** The same stage, with Mallory's own group as the room that events are for. */
export function inOwnGroup(stage: Stage): Stage {
  return { ...stage, group: stage.own };
}

/** A submit of an event. */
export function submitOf(stage: Stage, event: Event, over: Partial<Submit> = {}): Asking {
  const value = { room: stage.group, event, person: undefined, credential: undefined, partner: '', ...over };
  return { $case: 'submit', value };
}

/** A control entry that Mallory signs, with the bytes changed as told after the signature was made. */
export async function controlOf(
  stage: Stage,
  statement: Statement,
  change: (signature: Uint8Array) => Uint8Array = (signature) => signature,
): Promise<Asking> {
  const { engine } = stage.mallory.parts;
  const chain = stage.mallory.held.need(stage.group).replica.chain;
  const author: Author = { engine, primitives, device: stage.login.deviceNumber, now: Date.now };
  const actor = chain.memberOf(stage.mallory.user);
  const { number = 0, hash = new Uint8Array() } = controlHead(chain.state);
  const genesis = statement.kind === ControlKind.CONTROL_KIND_CREATE;
  const place = genesis
    ? { room: '', number: 1, previousHash: zeroHash, actor }
    : { room: stage.group, number: number + 1, previousHash: hash, actor };
  const { entry, person, credential } = await signControl(author, place, statement);
  const body = controlBytes({ ...entry, signature: change(entry.signature) });
  return submitOf(stage, eventOf(stage, { kind: EventKind.EVENT_KIND_CONTROL }, body), { person, credential });
}
