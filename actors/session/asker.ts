// Who asks on a session, and what they may ask: user and device of the checked token, and what the user's actor said of them last. It is nobody before
// the token was checked. It looks at no single room but those that are hidden from the user; rooms decide the rest.
import { userAddress } from '#actors/kernel/address.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import type { Consent, Requester, SessionMessage } from '#actors/kernel/messages.ts';
import type { ManifestHead } from '#proto/gen/record.ts';
import { isForListed, isForUnlistedAtFirst, type RoutedBody } from './routes.ts';

type Identity = NonNullable<Extract<SessionMessage, { kind: 'tokenChecked' }>['identity']>;

const nobody: Identity = { user: '', device: 0, deviceId: '', deviceName: '' };

export class Asker {
  readonly #session: number;
  #identity = nobody;
  #mayWrite = false;
  #manifest: ManifestHead | undefined;
  #mayEnter = false;
  /** 1:1 rooms that the user wants to hear nothing of. */
  #hidden: ReadonlySet<string> = new Set();
  #inviteFromMs = 0;

  constructor(session: number) {
    this.#session = session;
  }

  get user(): string {
    return this.#identity.user;
  }

  get device(): number {
    return this.#identity.device;
  }

  /** The user's newest manifest, as it was told last. */
  get manifest(): ManifestHead | undefined {
    return this.#manifest;
  }

  get hidden(): ReadonlySet<string> {
    return this.#hidden;
  }

  /** The token was good. */
  prove(identity: Identity): void {
    this.#identity = identity;
  }

  /** Takes what the user's actor says: whether the device is in the newest manifest, and which that is. */
  hearManifest(mayWrite: boolean, manifest: ManifestHead | undefined): void {
    this.#mayWrite = mayWrite;
    this.#manifest = manifest;
  }

  /** The same of whether the user may be in one more room. */
  hearEntry(mayEnter: boolean): void {
    this.#mayEnter = mayEnter;
  }

  /** The same of what the user agrees to. */
  hearConsent({ hidden, inviteFromMs }: Consent): void {
    this.#hidden = new Set(hidden);
    this.#inviteFromMs = inviteFromMs;
  }

  /** By the newest manifest. */
  mayAsk(body: RoutedBody): boolean {
    if (this.#mayWrite) return true;
    return !isForListed(body) && !(isForUnlistedAtFirst(body) && this.#manifest?.version !== 0);
  }

  /** As other actors are told who asks. `now` matters to what may hold an invitation. */
  requester(request: number, now = 0): Requester {
    return {
      session: this.#session,
      request,
      user: this.user,
      device: this.device,
      mayEnter: this.#mayEnter,
      mayInvite: this.#inviteFromMs <= now,
    };
  }

  /** Asks the user's actor to know this session. */
  greeting(): Effect {
    const { user, device, deviceId, deviceName } = this.#identity;
    const hello = { kind: 'hello', session: this.#session, device, deviceId, deviceName } as const;
    return { kind: 'send', to: userAddress(user), message: hello };
  }
}
