import type { WebSocketLike } from '../transport/ws.ts';

/** A WebSocket in memory: `feed` is what the far end sends, `sent` what it gets. */
export function fakeSocket(): { socket: WebSocketLike; feed(data: Buffer): void; sent: string[] } {
  const sent: string[] = [];
  let onMessage: (data: Buffer) => void = () => {};
  const socket = {
    readyState: 1,
    bufferedAmount: 0,
    send(data: string | Buffer, _options: unknown, done: () => void) {
      sent.push(data.toString());
      done();
    },
    close() {},
    terminate() {},
    on(event: string, listener: (data: Buffer) => void) {
      if (event === 'message') onMessage = listener;
    },
  };
  return { socket: socket as unknown as WebSocketLike, feed: (data) => onMessage(data), sent };
}
