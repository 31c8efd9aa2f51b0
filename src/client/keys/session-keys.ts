// Sessions from device to device: who lacks one asks, who has one and may give it answers. Wires `asking.ts` and `giving.ts` to what comes in.
// Guarantees: only what cross-signed devices say is looked at, of own ones only what listed ones say.
import type { PrivateMessage } from '../crypto/engine.ts';
import { Asking, type AskingPorts } from './asking.ts';
import { Giving, type GivingPorts } from './giving.ts';
import { readSessionMessage, sessionMessageType } from './session-message.ts';

/** What it needs. */
export type SessionKeysPorts = AskingPorts &
  GivingPorts & { readonly rooms: () => ReturnType<AskingPorts['rooms']> & ReturnType<GivingPorts['rooms']> };

/** The questions and answers of one device. */
export class SessionKeys {
  readonly #ports: SessionKeysPorts;
  readonly #asking: Asking;
  readonly #giving: Giving;

  constructor(ports: SessionKeysPorts) {
    this.#ports = ports;
    this.#asking = new Asking(ports);
    this.#giving = new Giving(ports);
  }

  /** There may be messages whose session is lacking. */
  look(): void {
    this.#asking.look();
  }

  /** See Asking.open. */
  open(): Promise<number> {
    return this.#asking.open();
  }

  /** Takes what a device says of sessions; anything else is left alone. Durable when it resolves. */
  async take(message: PrivateMessage): Promise<void> {
    const { type, sender: user, device, content } = message;
    if (type !== sessionMessageType) return;
    const { user: self, count } = this.#ports.parts();
    const said = readSessionMessage(content);
    const own = user === self;
    // Signed by its owner is not enough: an own device that was taken off says and hears nothing any more. Of others' that is looked at before they are answered.
    const listed = device !== undefined && (!own || this.#ports.otherDevices().includes(device));
    if (!said || !listed) return count('keys.unheard');
    if ('given' in said) await this.#asking.take(message, said.given, own);
    else this.#giving.asked({ user, device, own, wanted: [...said.wanted] });
  }
}
