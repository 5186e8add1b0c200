import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

/** Sends exactly these bytes over UDP; the first answer that is final, or undefined when there is none in time. */
export async function datagram(port: number, message: string, timeoutMs = 1500): Promise<string | undefined> {
  const socket = createSocket('udp4');
  try {
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const answer = new Promise<string | undefined>((resolve) => {
      setTimeout(() => resolve(undefined), timeoutMs);
      socket.on('message', (data) => {
        const text = data.toString();
        if (!/^SIP\/2\.0 1/.test(text)) resolve(text);
      });
    });
    socket.send(message.replaceAll('%PORT%', String(socket.address().port)), port, '127.0.0.1');
    return await answer;
  } finally {
    socket.close();
  }
}

/** Sends exactly these bytes over TCP; what came back until the other side closed, or the time was over. */
export function stream(port: number, bytes: string, timeoutMs = 2000): Promise<{ answer: string; closed: boolean }> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const done = (closed: boolean): void => {
      socket.destroy();
      resolve({ answer, closed });
    };
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => done(true));
    socket.on('close', () => done(true));
    setTimeout(() => done(false), timeoutMs);
  });
}

/** An INVITE with one thing changed. */
export function invite(
  to: string,
  sipPort: number,
  change: { body?: string; type?: string; extra?: string; cseq?: string } = {},
): string {
  const body =
    change.body ?? 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n';
  const id = Math.random().toString(36).slice(2);
  return [
    `INVITE sip:${to}@127.0.0.1:${sipPort} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:%PORT%;branch=z9hG4bK${id};rport`,
    `From: <sip:+15557501@127.0.0.1>;tag=${id}`,
    `To: <sip:${to}@127.0.0.1>`,
    `Call-ID: ${id}@127.0.0.1`,
    `CSeq: ${change.cseq ?? '1 INVITE'}`,
    'Contact: <sip:+15557501@127.0.0.1:%PORT%>',
    'Max-Forwards: 70',
    ...(change.extra ? [change.extra] : []),
    `Content-Type: ${change.type ?? 'application/sdp'}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}
