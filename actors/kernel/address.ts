// Where a message goes: one actor per session, user and room. An address is a plain string so that it can be a map key and cross a wire.

declare const brand: unique symbol;

/** `session/<connection number>`, `user/<@name:provider>` or `room/<!name:provider>`. */
export type Address = string & { readonly [brand]: 'Address' };

/** The three kinds of actors. */
export type ActorKind = 'session' | 'user' | 'room';

/** The address of a live connection. `session` is the connection's number on this node, never reused while the process lives. */
export function sessionAddress(session: number): Address {
  return `session/${session}` as Address;
}

/** The address of a user's actor. */
export function userAddress(user: string): Address {
  return `user/${user}` as Address;
}

/** The address of a room's actor. */
export function roomAddress(room: string): Address {
  return `room/${room}` as Address;
}

/** Splits an address into the kind of actor and its id. */
export function parseAddress(address: Address): { kind: ActorKind; id: string } {
  const slash = address.indexOf('/');
  return { kind: address.slice(0, slash) as ActorKind, id: address.slice(slash + 1) };
}
