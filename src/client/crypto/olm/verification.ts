// Two own devices compare seven emoji, or one scans a QR code of the other: the library's protocol as typed states, its messages handed to the requests.
// Guarantees: a state is told once and in order; what the user did not confirm is never confirmed. Does not: verify
// other users (their identity is compared as a fingerprint), nor time flows out by itself: the library does, on use.
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { ClientError } from '../../errors.ts';
import type { Verification, VerificationState } from '../engine.ts';
import { parseObject } from './json.ts';
import type { Machine, Requests } from './requests.ts';

/** The device message that begins a flow. */
export const requestType = 'm.key.verification.request';

/** Verifications remembered at most. For one more the one that ended first goes, and where none has ended the oldest is cancelled: the library cancels what is
 * under way itself when another one is asked for. */
const flowsMax = 20;

const byEmoji = () => [wasm.VerificationMethod.SasV1];
// Each side shows a code, and either scans the other's.
const byCode = () => [
  wasm.VerificationMethod.QrCodeShowV1,
  wasm.VerificationMethod.QrCodeScanV1,
  wasm.VerificationMethod.ReciprocateV1,
];
const allMethods = () => [...byEmoji(), ...byCode()];

interface Flow {
  request: wasm.VerificationRequest;
  sas: wasm.Sas | undefined;
  /** What is shown here or, once it was scanned, what is shown there. */
  qr: wasm.Qr | undefined;
  told: Verification;
}

export class Verifications {
  #machine: Machine;
  #requests: Requests;
  #changed: (verification: Verification) => void;
  #flows = new Map<string, Flow>();

  constructor(machine: Machine, requests: Requests, changed: (verification: Verification) => void) {
    this.#machine = machine;
    this.#requests = requests;
    this.#changed = changed;
  }

  list(): Verification[] {
    return [...this.#flows.values()].map(({ told }) => told);
  }

  /** Asks one own device, or all. */
  request(device: string | undefined, withCode: boolean): Promise<Verification> {
    const { olm, lock } = this.#machine;
    return lock.run(async () => {
      const methods = withCode ? byCode() : byEmoji();
      const [request, message] = await (device === undefined ? askAll(olm, methods) : askOne(olm, device, methods));
      this.#requests.add(message);
      return this.#follow(request);
    });
  }

  accept(flowId: string): Promise<void> {
    return this.#act(flowId, ({ request }) => this.#requests.add(request.acceptWithMethods(allMethods())));
  }

  confirm(flowId: string): Promise<void> {
    return this.#act(flowId, async ({ sas, qr }) => {
      if (qr?.hasBeenScanned()) this.#requests.add(qr.confirmScanning());
      for (const message of (await sas?.confirm()) ?? []) this.#requests.add(message);
    });
  }

  cancel(flowId: string): Promise<void> {
    return this.#act(flowId, ({ request, sas, qr }) => this.#requests.add((sas ?? qr ?? request).cancel()));
  }

  /** See `CryptoEngine.scanVerification`. */
  scan(flowId: string, code: Uint8Array): Promise<void> {
    return this.#act(flowId, async (flow) => {
      flow.qr = await flow.request.scanQrCode(readCode(code)).catch((cause: unknown) => {
        throw new ClientError(
          'UNTRUSTED',
          'That code is of another verification, or of other keys than the server gave out.',
          {
            cause,
          },
        );
      });
      this.#requests.add(flow.qr.reciprocate());
    });
  }

  /** Follows the flow that a received request began, if it is from a device of this user. */
  noticed(sender: string, content: string): void {
    const flowId = parseObject(content).transaction_id;
    if (typeof flowId !== 'string' || this.#flows.has(flowId)) return;
    const { olm } = this.#machine;
    if (sender !== olm.userId.toString()) return;
    const request = olm.getVerificationRequest(new wasm.UserId(sender), flowId);
    if (request) this.#follow(request);
  }

  /** Moves every flow on as far as it goes without the user. To be called after each batch, under the machine's lock. */
  async advance(): Promise<void> {
    for (const flow of this.#flows.values()) await this.#advanceOne(flow);
  }

  #follow(request: wasm.VerificationRequest): Verification {
    this.#makeRoom();
    const flow: Flow = { request, sas: undefined, qr: undefined, told: describe({ request }) };
    this.#flows.set(request.flowId, flow);
    this.#changed(flow.told);
    return flow.told;
  }

  #makeRoom(): void {
    while (this.#flows.size >= flowsMax) {
      const all = [...this.#flows.values()];
      const flow = all.find(({ told }) => hasEnded(told)) ?? (all[0] as Flow);
      if (!hasEnded(flow.told)) {
        const { request, sas, qr } = flow;
        const message = (sas ?? qr ?? request).cancel();
        if (message) this.#requests.add(message);
        flow.told = { ...describe(flow), otherDevice: flow.told.otherDevice };
        this.#changed(flow.told);
      }
      this.#flows.delete(flow.told.flowId);
    }
  }

  async #advanceOne(flow: Flow): Promise<void> {
    const { request } = flow;
    // The side that asked starts the comparison: were both to, the library would have to break the tie.
    if (request.isReady() && flow.qr === undefined && usesCode(request)) flow.qr = await request.generateQrCode();
    else if (request.isReady() && request.weStarted() && flow.sas === undefined && !usesCode(request)) {
      const started = await request.startSas();
      if (started) {
        [flow.sas] = started;
        this.#requests.add(started[1]);
      }
    }
    const verification = request.getVerification();
    if (verification instanceof wasm.Sas) {
      flow.sas = verification;
      // Accepting the request was the user's consent; the comparison itself needs no second one.
      if (!request.weStarted()) this.#requests.add(verification.accept());
    }
    const now = describe(flow);
    // The library forgets the other device once the flow is done; who was confirmed must not be lost.
    now.otherDevice ??= flow.told.otherDevice;
    if (JSON.stringify(now) === JSON.stringify(flow.told)) return;
    flow.told = now;
    this.#changed(now);
  }

  #act(flowId: string, action: (flow: Flow) => Promise<void> | void): Promise<void> {
    return this.#machine.lock.run(async () => {
      const flow = this.#flows.get(flowId);
      if (flow === undefined) throw new ClientError('UNKNOWN', `No verification ${flowId} here`);
      await action(flow);
      await this.#advanceOne(flow);
    });
  }
}

type Asked = [wasm.VerificationRequest, wasm.ToDeviceRequest | wasm.RoomMessageRequest];

async function askAll(olm: wasm.OlmMachine, methods: wasm.VerificationMethod[]): Promise<Asked> {
  const identity = await olm.getIdentity(olm.userId);
  if (!(identity instanceof wasm.OwnUserIdentity))
    throw new ClientError('UNKNOWN', 'The own identity is not known here');
  return identity.requestVerification(methods);
}

async function askOne(olm: wasm.OlmMachine, device: string, methods: wasm.VerificationMethod[]): Promise<Asked> {
  const found = await olm.getDevice(olm.userId, new wasm.DeviceId(device));
  if (found === undefined) throw new ClientError('UNKNOWN', `No own device ${device} is known here`);
  return found.requestVerification(methods);
}

function hasEnded({ state }: Verification): boolean {
  return state.phase === 'done' || state.phase === 'cancelled';
}

/** Did whoever asked want a code? */
function usesCode(request: wasm.VerificationRequest): boolean {
  const asked = request.weStarted() ? request.ourSupportedMethods : request.theirSupportedMethods;
  return asked?.includes(wasm.VerificationMethod.QrCodeScanV1) ?? false;
}

function readCode(code: Uint8Array): wasm.QrCodeScan {
  try {
    return wasm.QrCodeScan.fromBytes(Uint8ClampedArray.from(code));
  } catch (cause) {
    throw new ClientError('BAD_ARGUMENT', 'That is no code of a verification.', { cause });
  }
}

function describe({ request, sas, qr }: Pick<Flow, 'request'> & Partial<Pick<Flow, 'sas' | 'qr'>>): Verification {
  return {
    flowId: request.flowId,
    // A finished request forgets with whom it was; the comparison itself remembers.
    otherDevice: (request.otherDeviceId ?? sas?.otherDeviceId ?? qr?.otherDeviceId)?.toString(),
    weStarted: request.weStarted(),
    state: stateOf(request, sas, qr),
  };
}

function stateOf(
  request: wasm.VerificationRequest,
  sas: wasm.Sas | undefined,
  qr: wasm.Qr | undefined,
): VerificationState {
  const cancelled = sas?.cancelInfo() ?? qr?.cancelInfo() ?? request.cancelInfo;
  if (cancelled) return { phase: 'cancelled', code: cancelled.cancelCode(), byUs: cancelled.cancelledbyUs() };
  if (request.isDone() || sas?.isDone() || qr?.isDone()) return { phase: 'done' };
  if (sas?.haveWeConfirmed() || qr?.hasBeenConfirmed()) return { phase: 'confirmed' };
  if (qr?.hasBeenScanned()) return { phase: 'scanned' };
  const emoji = sas?.emoji();
  if (emoji) return { phase: 'emoji', emoji: emoji.map(({ symbol, description }) => ({ symbol, name: description })) };
  if (qr?.state() === wasm.QrState.Created) return { phase: 'started', code: Uint8Array.from(qr.toBytes()) };
  return { phase: sas || qr || request.isReady() ? 'started' : 'requested' };
}
