// Just enough of a SIP proxy for two browsers to call each other: REGISTER is always right, requests go to the last contact.
import type { WebSocket } from 'ws';

const BRANCH = 'z9hG4bKmock';
const registered = new Map<string, WebSocket>();

export function sipSocket(socket: WebSocket): void {
  socket.on('message', (data) => {
    const text = String(data);
    if (!text.trim()) return;
    if (text.startsWith('SIP/2.0')) answerBack(text);
    else request(text, socket);
  });
  socket.on('close', () => {
    for (const [user, one] of registered) if (one === socket) registered.delete(user);
  });
}

/** Sockets by the number of the Via we put on top: responses find their way back. */
const waysBack = new Map<string, WebSocket>();
let count = 0;

function request(text: string, socket: WebSocket): void {
  const method = text.slice(0, text.indexOf(' '));
  if (method === 'REGISTER') {
    const user = /^To:.*?sips?:([^@;>]+)/im.exec(text)?.[1] ?? '';
    registered.set(user, socket);
    const contact = /^Contact:(.*)$/im.exec(text)?.[1]?.trim() ?? '';
    socket.send(response(text, '200 OK', [`Contact: ${contact};expires=120`]));
    return;
  }
  const user = /^\S+ sips?:([^@;>\s]+)/.exec(text)?.[1] ?? '';
  // In a dialog the request's target is a contact of JsSIP's own making: then it goes to the other of the two.
  const target = registered.get(user) ?? [...registered.values()].find((one) => one !== socket);
  if (!target) {
    if (method !== 'ACK') socket.send(response(text, '480 Temporarily Unavailable', []));
    return;
  }
  const branch = `${BRANCH}${++count}`;
  waysBack.set(branch, socket);
  const end = text.indexOf('\r\n') + 2;
  target.send(`${text.slice(0, end)}Via: SIP/2.0/WS mock.invalid;branch=${branch}\r\n${text.slice(end)}`);
}

function answerBack(text: string): void {
  const via = /^Via: .*mock\.invalid;branch=(\S+?)(?:;.*)?\r\n/im.exec(text);
  const socket = via?.[1] ? waysBack.get(via[1]) : undefined;
  if (via && socket) socket.send(text.replace(via[0], ''));
}

function response(to: string, status: string, extra: string[]): string {
  const copied = to.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq):/i.test(line));
  const lines = copied.map((line) =>
    /^To:/i.test(line) && !line.includes('tag=') ? `${line};tag=mock${++count}` : line,
  );
  return [`SIP/2.0 ${status}`, ...lines, ...extra, 'Content-Length: 0', '', ''].join('\r\n');
}
