// A network between two UDP stacks that loses datagrams: each sees the other at the relay's ports.
import { createSocket, type Socket } from 'node:dgram';

export interface LossyRelay {
  readonly lost: number;
  close(): void;
}

/** `ports`: a and b are the stacks; the relay stands for b at `forB` and for a at `forA`. All have five digits, so no length changes. */
export async function lossyRelay(
  ports: { a: number; b: number; forA: number; forB: number },
  drop: (data: Buffer) => boolean,
): Promise<LossyRelay> {
  let lost = 0;
  const sockets = await Promise.all([bind(ports.forB), bind(ports.forA)]);
  const [forB, forA] = sockets as [Socket, Socket];
  const at = (port: number) => `127.0.0.1:${port}`;
  const rewrite = (data: Buffer, pairs: [number, number][]) =>
    pairs.reduce((text, [from, to]) => text.replaceAll(at(from), at(to)), data.toString('latin1'));
  forB.on('message', (data) => {
    if (drop(data)) lost++;
    else
      forA.send(
        Buffer.from(
          rewrite(data, [
            [ports.a, ports.forA],
            [ports.forB, ports.b],
          ]),
          'latin1',
        ),
        ports.b,
        '127.0.0.1',
      );
  });
  forA.on('message', (data) => {
    if (drop(data)) lost++;
    else
      forB.send(
        Buffer.from(
          rewrite(data, [
            [ports.b, ports.forB],
            [ports.forA, ports.a],
          ]),
          'latin1',
        ),
        ports.a,
        '127.0.0.1',
      );
  });
  return {
    get lost() {
      return lost;
    },
    close() {
      for (const socket of sockets) socket.close();
    },
  };
}

async function bind(port: number): Promise<Socket> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve));
  return socket;
}
