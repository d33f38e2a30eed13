/** The browser's WebSocket as the connection knows one. */
import type { LiveSocket } from './connection.ts';

export function openBrowserSocket(url: string): LiveSocket {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  const face: LiveSocket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (frame) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    },
    close: (code) => socket.close(code),
  };
  socket.onopen = () => face.onopen?.();
  socket.onmessage = (event: MessageEvent<unknown>) => face.onmessage?.({ data: event.data });
  socket.onclose = (event) => face.onclose?.({ code: event.code });
  return face;
}
