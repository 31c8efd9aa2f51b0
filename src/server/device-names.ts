// The name that a person gave a new device, between its login and its first hello, when the user's own record takes it. In memory only: after a
// crash in between the device is called `device <number>` until it is renamed.

const namesMax = 10_000;

/** Names on their way; the oldest goes when there are too many. */
export class DeviceNames {
  #names = new Map<string, string>();

  /** A device logged in for the first time. */
  keep(user: string, device: number, name: string): void {
    if (this.#names.size >= namesMax) this.#names.delete(this.#names.keys().next().value ?? '');
    this.#names.set(`${user} ${device}`, name);
  }

  /** Its name for the hello; the default where none is kept. */
  take(user: string, device: number): string {
    const key = `${user} ${device}`;
    const name = this.#names.get(key) ?? `device ${device}`;
    this.#names.delete(key);
    return name;
  }
}
