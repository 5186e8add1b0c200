// The mock box: see README.md. For development and screenshots only.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ClientMessage, MeLive } from '#appliance/contract/live.ts';
import { pagePolicy, SECURITY_HEADERS } from '#appliance/http/headers.ts';
import { lists } from './admin-data.ts';
import { agents, ago, alarms, id, interactions, offer, queues, trace, workItem } from './data.ts';
import { callsToTake, DESK, SCRIPT } from './desk-data.ts';
import { sipSocket } from './sip.ts';

const PORT = Number(process.env.PORT ?? 27000);
const BUILD = join(import.meta.dirname, '../build');
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};

const USERS: Record<string, { displayName: string; role: string; permissions: string[]; n?: number; ringOn?: string }> =
  {
    alice: {
      displayName: 'Alice',
      role: 'agent',
      permissions: [
        'me',
        'agents:read',
        'calls:control',
        'calls:dial',
        'recordings:control',
        'interactions:read',
        'queues:read',
        'reasons:read',
      ],
      n: 1,
      ringOn: 'browser',
    },
    bob: {
      displayName: 'Bob',
      role: 'agent',
      permissions: [
        'me',
        'agents:read',
        'calls:control',
        'calls:dial',
        'recordings:control',
        'interactions:read',
        'queues:read',
        'reasons:read',
      ],
      n: 2,
      ringOn: 'phone',
    },
    sam: {
      displayName: 'Sam',
      role: 'supervisor',
      permissions: [
        'me',
        '*:read',
        '-audit:read',
        '-users:read',
        '-trunks:read',
        'queues:write',
        'alarms:write',
        'recordings:play',
      ],
    },
    olga: { displayName: 'Olga', role: 'auditor', permissions: ['me', '*:read', 'recordings:play'] },
    admin: { displayName: 'Administrator', role: 'admin', permissions: ['*:*', 'me'] },
  };

let scene = 'idle';
let presence: Pick<MeLive, 'presence' | 'reason' | 'since'> = { presence: 'ready', reason: null, since: ago(754) };
const feeds = new Set<{ socket: WebSocket; topics: Map<string, number> }>();

function me(): MeLive {
  const live: MeLive = { ...presence, offers: [], work: [] };
  if (scene === 'offer') live.offers = [offer()];
  if (scene === 'call') live.work = [workItem('active', 'talking')];
  if (scene === 'held') live.work = [workItem('active', 'held')];
  if (scene === 'wrap-up') live.work = [workItem('wrap-up', null)];
  if (scene === 'conference') live.work = [inConference()];
  if (scene === 'secure') live.work = [inSecureEntry()];
  return live;
}

function inConference(): MeLive['work'][number] {
  const item = workItem('active', 'talking');
  const party = (n: number, label: string, state: 'ringing' | 'waiting' | 'talking') => ({
    id: id(n),
    label,
    agentId: null,
    state,
  });
  const parties = [party(1, 'Carol', 'talking'), party(2, 'Dario', 'talking'), party(3, 'Support', 'waiting')];
  return { ...item, call: { ...item.call!, state: 'conference', parties, third: { label: 'Support', ringing: true } } };
}

function inSecureEntry(): MeLive['work'][number] {
  const item = workItem('active', 'talking');
  return {
    ...item,
    call: {
      ...item.call!,
      state: 'secure',
      recording: 'paused',
      secureEntry: { state: 'collecting', name: 'Card number', collected: 7 },
    },
  };
}

function snapshot(topic: string): unknown {
  const empty = scene === 'empty';
  switch (topic) {
    case 'me':
      return me();
    case 'queues':
      return empty ? [] : queues();
    case 'agents':
      return empty ? [] : agents();
    case 'alarms':
      return empty ? [] : alarms();
    case 'messages':
      return [];
    case 'calls':
      return empty ? [] : callsToTake();
    case 'voicemails':
      return empty ? { fresh: 0, heard: 0 } : { fresh: 2, heard: 1 };
  }
  return trace(topic.split('/')[1] ?? '');
}

function tell(): void {
  for (const { socket, topics } of feeds) {
    for (const [topic, seq] of topics) {
      topics.set(topic, seq + 1);
      socket.send(JSON.stringify({ topic, seq: seq + 1, snapshot: snapshot(topic) }));
    }
  }
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://mock');
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  response.removeHeader('strict-transport-security');
  if (url.pathname === '/mock') {
    scene = String(((await bodyOf(request)) as { scene: string }).scene);
    presence = {
      presence: scene === 'away' ? 'not-ready' : 'ready',
      reason: scene === 'away' ? 'break' : null,
      since: ago(754),
    };
    if (scene === 'gone') for (const { socket } of feeds) socket.terminate();
    else if (scene !== 'silent') tell();
    return send(response, 204);
  }
  if (url.pathname.startsWith('/api/v1/')) return api(request, response, url);
  return page(response, url.pathname);
});

async function api(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const path = url.pathname.slice('/api/v1'.length);
  const payload = (await bodyOf(request)) as Record<string, unknown>;
  if (path === '/sessions' && request.method === 'POST') {
    const name = String(payload.username);
    if (!USERS[name] || payload.password === 'wrong')
      return send(response, 401, { code: 'wrong-credentials', message: 'User name or password is wrong' });
    response.setHeader('set-cookie', `sid=${name}; Path=/; HttpOnly; SameSite=Strict`);
    return send(response, 200, { token: name });
  }
  if (path === '/health') {
    const components = {
      postgres: { status: 'ok', detail: '15.18, 12 connections' },
      redis: { status: 'ok', detail: '7.0.15' },
      rtpengine: { status: 'ok', detail: '2 sessions' },
      voice: { status: 'ok', detail: '5 calls, loop delay 2 ms' },
      media: { status: 'ok', detail: '11 legs' },
      web: { status: 'ok', detail: '14 screens' },
      work: { status: 'degraded', detail: '3 failed jobs' },
    };
    return send(response, 200, { status: 'degraded', version: '0.1.0', components });
  }
  const name = /sid=(\w+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
  const user = USERS[name];
  if (!user) return send(response, 401, { code: 'signed-out', message: 'Sign in first' });
  if (path === '/sessions/current') {
    response.setHeader('set-cookie', 'sid=; Path=/; Max-Age=0');
    return send(response, 204);
  }
  if (path === '/me') {
    const agent = user.n ? { extension: String(1000 + user.n), ringOn: user.ringOn } : null;
    return send(response, 200, {
      user: { id: id(user.n ?? 50), username: name, displayName: user.displayName, role: user.role },
      role: user.role,
      permissions: user.permissions,
      locale: 'en',
      timeZone: 'Europe/Berlin',
      mustChangePassword: false,
      secondFactor: false,
      agent,
    });
  }
  if (path === '/me/phone') {
    if (user.ringOn !== 'browser')
      return send(response, 404, { code: 'no-browser-phone', message: 'Calls ring elsewhere' });
    return send(response, 200, {
      uri: `sip:${name}@mock.invalid`,
      username: name,
      password: 'mock',
      wss: '/sip',
      extension: String(1000 + (user.n ?? 0)),
    });
  }
  if (path === '/me/presence') {
    presence = {
      presence: payload.state as MeLive['presence'],
      reason: (payload.reason as string) ?? null,
      since: ago(0),
    };
    tell();
    return send(response, 200, presence);
  }
  if (request.method === 'POST' && /^\/(offers|calls|interactions|alarms)\//.test(path)) {
    const verb = path.split('/').at(-1) ?? '';
    const next: Record<string, string> = {
      accept: 'call',
      decline: 'idle',
      hold: 'held',
      resume: 'call',
      hangup: 'wrap-up',
      transfer: 'wrap-up',
      'wrap-up': 'idle',
    };
    scene = next[verb] ?? scene;
    tell();
    return send(response, 200, {});
  }
  if (scene === 'failing') return send(response, 503, { code: 'unavailable', message: 'The database is away' });
  if (path === '/interactions') {
    const q = (url.searchParams.get('q') ?? '').toLowerCase();
    const all = scene === 'empty' ? [] : interactions();
    const agent = url.searchParams.get('agent');
    const customer = url.searchParams.get('customer');
    const items = all.filter(
      (one) =>
        (!agent || one.agentId === agent) &&
        (!customer || one.customer?.id === customer) &&
        JSON.stringify(one).toLowerCase().includes(q),
    );
    return send(response, 200, { items: items.slice(0, Number(url.searchParams.get('limit') ?? 50)), next: null });
  }
  if (/^\/queues\/[^/]+\/waiting$/.test(path)) {
    const items = (scene === 'empty' ? [] : interactions().slice(0, 3)).map((one, index) => ({
      interactionId: one.id,
      channel: one.channel,
      from: one.from,
      customer: one.customer,
      since: ago(40 - index * 12),
      priority: 5,
      place: index + 1,
      offeredTo: [],
    }));
    return send(response, 200, { items });
  }
  if (/^\/agents\/[^/]+\/today$/.test(path)) {
    const endsAt = new Date(new Date().setHours(24, 0, 0, 0)).toISOString();
    return send(response, 200, { timeZone: 'Europe/Berlin', endsAt, until: null, by: null, queues: [], skills: [] });
  }
  if (/^\/recordings\/[^/]+\/notes$/.test(path)) return send(response, 200, { items: [] });
  const interaction = /^\/interactions\/([^/]+)$/.exec(path)?.[1];
  if (interaction) {
    const found = trace(interaction);
    return found
      ? send(response, 200, found)
      : send(response, 404, { code: 'not-found', message: 'There is no such interaction' });
  }
  const answer = DESK[path];
  if (answer && request.method === 'GET')
    return send(response, 200, scene === 'empty' && path !== '/me/phone-choice' ? { items: [], next: null } : answer());
  const peaks = /^\/recordings\/([^/]+)\/peaks$/.test(path);
  if (peaks) {
    const channel = (seed: number) =>
      Array.from({ length: 800 }, (_, i) =>
        Math.sin(i / 47 + seed) > 0 ? Math.abs(Math.sin(i * 1.7 + seed) * Math.sin(i / 9)) * 230 : 5,
      );
    return send(response, 200, { durationS: 240, left: channel(0), right: channel(Math.PI) });
  }
  const [, list = '', one] = path.split('/');
  const items = scene === 'empty' && list !== 'reasons' ? [] : lists[list];
  if (items && one) {
    const found = items.find((row) => row.id === one);
    if (!found) return send(response, 404, { code: 'not-found', message: 'Gone' });
    response.setHeader('etag', '"1"');
    if (list === 'queues' && request.method === 'GET') return send(response, 200, { ...found, script: SCRIPT });
    return send(response, 200, request.method === 'GET' ? found : Object.assign(found, payload));
  }
  if (items)
    return send(
      response,
      request.method === 'POST' ? 201 : 200,
      request.method === 'POST' ? { id: id(9999), ...payload } : { items, next: null },
    );
  return send(response, 404, { code: 'not-found', message: `The mock has no ${path}` });
}

function page(response: ServerResponse, path: string): void {
  const file = normalize(path);
  response.setHeader('content-security-policy', pagePolicy([]));
  for (const candidate of [file, '/index.html']) {
    try {
      const bytes = readFileSync(join(BUILD, candidate));
      response.setHeader('content-type', TYPES[extname(candidate)] ?? 'application/octet-stream');
      response.end(bytes);
      return;
    } catch {
      // a path of the desktop: index.html answers
    }
  }
  send(response, 404, { code: 'not-built', message: 'Run npm run ui:build first' });
}

function send(response: ServerResponse, status: number, value?: unknown): void {
  response.statusCode = status;
  response.setHeader('content-type', 'application/json');
  response.end(value === undefined ? undefined : JSON.stringify(value));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : {};
}

const wss = new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has('sip') ? 'sip' : false) });
server.on('upgrade', (request, socket, head) => {
  const path = new URL(request.url ?? '/', 'http://mock').pathname;
  if (path === '/api/v1/live' && scene === 'gone') return socket.destroy();
  wss.handleUpgrade(request, socket, head, (ws) => (path === '/sip' ? sipSocket(ws) : live(ws)));
});

function live(socket: WebSocket): void {
  const feed = { socket, topics: new Map<string, number>() };
  feeds.add(feed);
  socket.on('close', () => feeds.delete(feed));
  socket.on('message', (data) => {
    if (scene === 'silent') return;
    const message = JSON.parse(String(data)) as ClientMessage;
    if ('ping' in message) socket.send(JSON.stringify({ pong: message.ping, at: new Date().toISOString() }));
    else if ('subscribe' in message) {
      feed.topics.set(message.subscribe, 1);
      socket.send(JSON.stringify({ topic: message.subscribe, seq: 1, snapshot: snapshot(message.subscribe) }));
    } else feed.topics.delete(message.unsubscribe);
  });
}

server.listen(PORT, '127.0.0.1', () => console.log(`mock box at http://127.0.0.1:${PORT}`));
