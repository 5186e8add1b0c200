// A call as a picture in text: who said what to whom, in the order of time.
import type { TracedMessage } from './ring.ts';

const LANE = 34;
const US = 'strongroom';

export function ladder(messages: readonly TracedMessage[]): string[] {
  if (messages.length === 0) return [];
  const peers = [...new Set(messages.map(peerOf))];
  // We stand between the one who called first and everybody else.
  const lanes = [peers[0]!, US, ...peers.slice(1)];
  const place = (lane: number) => lane * LANE + Math.floor(LANE / 2);
  const width = lanes.length * LANE;
  const head = lanes.map((name) => center(name.slice(0, LANE - 2), LANE)).join('');
  const lines = [`${' '.repeat(14)}${head}`.trimEnd()];
  for (const message of messages) {
    const row = Array.from({ length: width }, () => ' ');
    for (let lane = 0; lane < lanes.length; lane++) row[place(lane)] = '│';
    const us = place(1);
    const them = place(lanes.indexOf(peerOf(message), lanes.indexOf(peerOf(message)) === 0 ? 0 : 2));
    const [left, right] = us < them ? [us, them] : [them, us];
    const toRight = (message.direction === 'out') === us < them;
    const label = ` ${labelOf(message.text)} `.slice(0, right - left - 4);
    const dashes = right - left - 2 - label.length;
    const line = `${'─'.repeat(Math.floor(dashes / 2))}${label}${'─'.repeat(Math.ceil(dashes / 2))}`;
    const arrow = toRight ? `${line}►` : `◄${line}`;
    for (const [i, char] of [...arrow].entries()) row[left + 1 + i] = char;
    lines.push(`${message.at.slice(11, 23)}  ${row.join('')}`.trimEnd());
  }
  return lines;
}

/** `INVITE (sdp)`, `200 OK (INVITE)`. */
export function labelOf(text: string): string {
  const [start = ''] = text.split(/\r?\n/, 1);
  const sdp = /^v=0\r?$/m.test(text) ? ' (sdp)' : '';
  const status = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(start);
  if (!status) return printable(`${start.split(' ', 1)[0]}${sdp}`);
  const method = /^cseq\s*:\s*\d+\s+(\S+)/im.exec(text)?.[1] ?? '';
  return printable(`${status[1]} ${status[2]} ${method}${sdp}`);
}

function peerOf({ remote, transport }: TracedMessage): string {
  const host = remote.address.includes(':') ? `[${remote.address}]` : remote.address;
  return `${host}:${remote.port}${transport === 'udp' ? '' : ` ${transport}`}`;
}

/** What others sent must not drive a terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

function center(text: string, width: number): string {
  const left = Math.floor((width - text.length) / 2);
  return `${' '.repeat(left)}${text}`.padEnd(width);
}
