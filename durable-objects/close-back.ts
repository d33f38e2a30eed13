/** The answer to a client that closes its socket: without one its own close would hang. */

/** 1005 and 1006 say that no code was given, 1004 and 1015 are reserved: none of them may be said. */
const unsayable: readonly number[] = [1004, 1005, 1006, 1015];
const isSayable = (code: number): boolean => code >= 1000 && code < 5000 && !unsayable.includes(code);

/** Closes in the client's own words where they may be said. Never throws, whatever the client gave as its code. */
export function closeBack(ws: WebSocket, code: number, reason: string): void {
  try {
    if (isSayable(code)) ws.close(code, reason);
    else ws.close(1000);
  } catch {
    // Gone already: that is what was wanted.
  }
}
