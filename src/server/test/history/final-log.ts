// A room as it is when all is over: what everything else is held against. Where it comes from is its maker's business; `source` says it.

/** A record of the final log, with who sent it. */
export interface FinalRecord {
  readonly seq: number;
  readonly hash: string;
  /** User id. */
  readonly sender: string;
  /** Device number. */
  readonly device: number;
  readonly sendId: number;
}

export interface FinalLog {
  readonly room: string;
  /** `door` (read by a fresh device), `store` (its rows)… */
  readonly source: string;
  /** The first seq that this source can give. */
  readonly floor: number;
  /** In the order in which the source gave them. */
  readonly records: readonly FinalRecord[];
}

/** A final log to look things up in. */
export class LogIndex {
  readonly room: string;
  readonly floor: number;
  /** Newest seq up to which nothing is missing. */
  readonly head: number;
  readonly #bySeq = new Map<number, FinalRecord>();
  readonly #bySend = new Map<string, FinalRecord>();

  constructor({ room, floor, records }: FinalLog) {
    this.room = room;
    this.floor = floor;
    for (const record of records) {
      if (!this.#bySeq.has(record.seq)) this.#bySeq.set(record.seq, record);
      const send = this.#sendOf(record);
      if (!this.#bySend.has(send)) this.#bySend.set(send, record);
    }
    let head = floor - 1;
    while (this.#bySeq.has(head + 1)) head += 1;
    this.head = head;
  }

  at(seq: number): FinalRecord | undefined {
    return this.#bySeq.get(seq);
  }

  /** The first record of a send, by `sendKey`. */
  ofSend(send: string): FinalRecord | undefined {
    return this.#bySend.get(send);
  }

  #sendOf({ sender, device, sendId }: FinalRecord): string {
    return `${this.room} ${sender}/${device} ${sendId}`;
  }
}
