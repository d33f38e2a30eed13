/**
 * What comes in through a room's sockets: who is let in, and what is made of each frame. Whatever a client sends ends in an
 * answer or in a close code, never in an exception, and never touches another's socket.
 */
import { closeCode, type CloseCode } from '#contracts/live';
import { isOneTooMany, parseFrame } from './client-frames.ts';
import { seesVehicle, viewerOf } from './live-view.ts';
import type { Room } from './room.ts';

const oneTruckPath = /\/live\/vehicles\/([^/]+)$/;

/** Accepts a socket only to close it: a browser cannot read the status of a refused upgrade. */
function turnAway(socket: WebSocket, code: CloseCode, reason: string): void {
  socket.accept();
  socket.close(code, reason);
}

/** Lets a socket in whose ticket is good: to everything it may see, or to the one truck that the path names. */
export function admit(room: Room, socket: WebSocket, ticketHash: string, pathname: string, nowMs: number): void {
  const { state, tickets, sockets, displays } = room;
  const bearer = tickets.redeem(ticketHash, 'watch', nowMs);
  if (!bearer) {
    turnAway(socket, closeCode.unauthenticated, 'invalid ticket');
    return;
  }
  const onlyVehicleId = oneTruckPath.exec(pathname)?.[1] ?? null;
  const principal = { ...bearer, onlyVehicleId };
  if (onlyVehicleId !== null) {
    const truck = state.vehicles.get(onlyVehicleId);
    // One answer for what does not exist and what belongs to others.
    if (!truck || !seesVehicle(viewerOf(principal), truck.facts)) {
      turnAway(socket, closeCode.forbidden, 'no such vehicle to be seen');
      return;
    }
  }
  sockets.accept(socket, principal, nowMs);
  if (principal.kind === 'display') displays.noteConnected(principal.userId, nowMs);
}

/** Takes one frame of a client. */
export function hear(room: Room, socket: WebSocket, data: string | ArrayBuffer, nowMs: number): void {
  const { sockets, fanOut, displays, state } = room;
  const connection = sockets.find(socket);
  if (!connection) {
    socket.close(closeCode.restarting, 'connect again');
    return;
  }
  if (isOneTooMany(connection.rate, nowMs)) {
    sockets.close(connection, closeCode.tooManyFrames, 'more than 20 frames in a second');
    return;
  }
  const frame = parseFrame(data);
  if (frame.kind === 'ping') {
    sockets.send(connection, 'pong');
    return;
  }
  if (frame.kind === 'close') {
    sockets.close(connection, frame.code, frame.reason);
    return;
  }
  const { message } = frame;
  if (connection.helloByMs !== null && message.type !== 'hello') {
    sockets.close(connection, closeCode.badFrame, 'hello comes first');
    return;
  }
  switch (message.type) {
    case 'hello':
      fanOut.greet(connection, message, state, nowMs);
      return;
    case 'filter':
      fanOut.refilter(connection, message.filter, state, nowMs);
      return;
    case 'heartbeat': {
      const { kind, userId } = connection.principal;
      if (kind === 'display') displays.noteHeartbeat(userId, message, nowMs);
      return;
    }
    case 'ack': {
      const taken = fanOut.acknowledge(connection, message.seq, state, nowMs);
      if (taken === 'beyond') sockets.close(connection, closeCode.badFrame, 'ack beyond the last seq');
      // As many as the server's own frames: a burst after a stall is no flood.
      if (taken === 'advances') connection.rate.frames -= 1;
    }
  }
}
