// Messages as a capture file for Wireshark: each becomes one IP packet over UDP, whatever carried it.
import type { TracedMessage } from './ring.ts';

const LINKTYPE_RAW = 101;
const SNAPLEN = 65_535;
const UDP = 17;

export function pcap(messages: readonly TracedMessage[]): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(SNAPLEN, 16);
  head.writeUInt32LE(LINKTYPE_RAW, 20);
  return Buffer.concat([head, ...messages.flatMap(record)]);
}

function record(message: TracedMessage): Buffer[] {
  const { at, direction, local, remote } = message;
  const [from, to] = direction === 'out' ? [local, remote] : [remote, local];
  const packet = ipPacket(from, to, Buffer.from(message.text, 'latin1'));
  const head = Buffer.alloc(16);
  const ms = new Date(at).getTime();
  head.writeUInt32LE(Math.floor(ms / 1000), 0);
  head.writeUInt32LE((ms % 1000) * 1000, 4);
  head.writeUInt32LE(packet.length, 8);
  head.writeUInt32LE(packet.length, 12);
  return [head, packet];
}

interface Place {
  address: string;
  port: number;
}

function ipPacket(from: Place, to: Place, whole: Buffer): Buffer {
  const source = bytesOf(from.address);
  const target = bytesOf(to.address);
  const six = source.length === 16 || target.length === 16;
  const [a, b] = six ? [mapped(source), mapped(target)] : [source, target];
  const payload = whole.subarray(0, SNAPLEN - 48);
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(from.port, 0);
  udp.writeUInt16BE(to.port, 2);
  udp.writeUInt16BE(8 + payload.length, 4);
  if (six) {
    const pseudo = Buffer.alloc(8);
    pseudo.writeUInt32BE(8 + payload.length, 0);
    pseudo[7] = UDP;
    // RFC 8200 §8.1: must not be left out over IPv6.
    udp.writeUInt16BE(checksum(Buffer.concat([a, b, pseudo, udp, payload])) || 0xffff, 6);
    const ip = Buffer.alloc(8);
    ip.writeUInt32BE(0x6000_0000, 0);
    ip.writeUInt16BE(8 + payload.length, 4);
    ip[6] = UDP;
    ip[7] = 64;
    return Buffer.concat([ip, a, b, udp, payload]);
  }
  const ip = Buffer.alloc(12);
  ip[0] = 0x45;
  ip.writeUInt16BE(28 + payload.length, 2);
  ip[8] = 64;
  ip[9] = UDP;
  ip.writeUInt16BE(checksum(Buffer.concat([ip, a, b])), 10);
  return Buffer.concat([ip, a, b, udp, payload]);
}

function checksum(data: Buffer): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 2) sum += (data[i]! << 8) | (data[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function bytesOf(address: string): Buffer {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%')[0]!;
  if (/^\d+\.\d+\.\d+\.\d+$/.test(plain)) return Buffer.from(plain.split('.').map(Number));
  if (!plain.includes(':')) return Buffer.alloc(4);
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail ? tail.split(':') : [];
  while (groups.length + rest.length < 8) groups.push('0');
  const bytes = Buffer.alloc(16);
  for (const [i, group] of [...groups, ...rest].slice(0, 8).entries())
    bytes.writeUInt16BE((Number.parseInt(group, 16) || 0) & 0xffff, 2 * i);
  return bytes;
}

function mapped(bytes: Buffer): Buffer {
  return bytes.length === 16 ? bytes : Buffer.concat([Buffer.alloc(10), Buffer.from([255, 255]), bytes]);
}
