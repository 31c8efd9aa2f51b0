// The door to the node's log, as login sees it.

/** What login tells the log: never an id, an address or anything of a person. */
export interface AuthLog {
  info(event: string): void;
  warn(event: string): void;
  /** `error` must be reduced to its name and code by the log: messages of libraries may quote input. */
  error(event: string, error: unknown): void;
}
