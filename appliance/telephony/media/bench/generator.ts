// Load for the bench: paced 20 ms G.711 streams, one socket each, with the sending time in the payload. Runs as a child process.
import dgram from 'node:dgram';

export interface GeneratorOrder {
  /** Where stream i sends to; its own port is told in the first message back. */
  targets: number[];
  seconds: number;
}

export interface GeneratorResult {
  sent: number;
  received: number;
  seqBreaks: number;
  ssrcChanges: number;
  latencyUs: { p50: number; p99: number; p999: number };
  maxGapMs: number;
}

interface Stream {
  socket: dgram.Socket;
  ssrc: number;
  seq: number;
  lastMs: number;
}

if (process.send) {
  const count = Number(process.argv[2]);
  const streams = await Promise.all(Array.from({ length: count }, open));
  process.send(streams.map(({ socket }) => socket.address().port));
  process.once('message', (order: GeneratorOrder) => run(streams, order));
}

function open(): Promise<Stream> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    socket.bind(0, '127.0.0.1', () => resolve({ socket, ssrc: -1, seq: -1, lastMs: 0 }));
  });
}

function run(streams: Stream[], { targets, seconds }: GeneratorOrder): void {
  const result: GeneratorResult = {
    sent: 0,
    received: 0,
    seqBreaks: 0,
    ssrcChanges: 0,
    latencyUs: { p50: 0, p99: 0, p999: 0 },
    maxGapMs: 0,
  };
  const latencies: number[] = [];
  const startMs = performance.now();
  for (const stream of streams) {
    stream.socket.on('message', (m) => {
      if (m.length !== 172) return;
      result.received++;
      const nowMs = performance.now();
      const seq = m.readUInt16BE(2);
      const ssrc = m.readUInt32BE(8);
      if (stream.ssrc >= 0 && ssrc !== stream.ssrc) result.ssrcChanges++;
      if (stream.seq >= 0 && seq !== ((stream.seq + 1) & 0xffff)) result.seqBreaks++;
      if (stream.lastMs && nowMs - startMs > 1000) result.maxGapMs = Math.max(result.maxGapMs, nowMs - stream.lastMs);
      Object.assign(stream, { ssrc, seq, lastMs: nowMs });
      if (nowMs - startMs > 1000) latencies.push(Math.round((nowMs - m.readDoubleBE(16)) * 1000));
    });
  }
  const packet = Buffer.alloc(172, 0x55);
  packet[0] = 0x80;
  packet[1] = 8;
  let frame = 0;
  let index = 0;
  const turn = () => {
    const due = ((performance.now() - startMs) / 20) * streams.length;
    while (frame * streams.length + index < due) {
      packet.writeUInt16BE(frame & 0xffff, 2);
      packet.writeUInt32BE(frame * 160, 4);
      packet.writeUInt32BE(index + 1, 8);
      packet.writeDoubleBE(performance.now(), 16);
      streams[index]!.socket.send(Buffer.from(packet), targets[index]!, '127.0.0.1');
      result.sent++;
      if (++index < streams.length) continue;
      index = 0;
      if (++frame * 20 >= seconds * 1000) {
        setTimeout(finish, 500);
        return;
      }
    }
    setTimeout(turn, 1);
  };
  const finish = () => {
    latencies.sort((a, b) => a - b);
    const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
    result.latencyUs = { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
    process.send?.(result);
    process.disconnect?.();
    for (const { socket } of streams) socket.close();
  };
  turn();
}
