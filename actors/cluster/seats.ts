// The number of a session tells on which process it lives. A seat is given to a process when it starts and never again (a counter in the store), so an
// answer to a session of a process that is gone finds nobody. On a provider of one node every seat is 0.

/** Sessions of one process, ever: its connections are numbered below this. */
export const sessionsPerSeat = 2 ** 30;
/** Seats that fit into a number of 53 bits. */
export const seatsMax = 2 ** 23;

/** Number of a process's first connection. */
export function firstSession(seat: number): number {
  return seat * sessionsPerSeat;
}

/** The seat of the process that a session, or a token made by `firstSession`, belongs to. */
export function seatOf(session: number): number {
  return Math.floor(session / sessionsPerSeat);
}
