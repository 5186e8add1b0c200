import { randomBytes } from 'node:crypto';
import type { BusEvent, Commands } from '#appliance/contract/bus.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '../log/index.ts';
import { keyPrefix, openRedis } from '../redis/index.ts';
import type { Bus, BusListener, WireError } from './bus.ts';
import { CALL_TIMEOUT_MS, fromWire, noAnswer, toWire } from './bus.ts';

interface Request {
  id: string;
  name: keyof Commands;
  input: unknown;
  replyTo: string;
  timeoutMs: number;
}

interface Reply {
  id: string;
  out?: unknown;
  error?: WireError;
}

/** Numbers and messages travel together, so that every reader sees the numbers in order. The number is that of the last event. */
const PUBLISH = `local seq = redis.call('incrby', KEYS[1], ARGV[3]) return redis.call('publish', ARGV[1], seq .. ' ' .. ARGV[2])`;
/** Events of so long are one message: waking every role for each would cost more than all they do with it. */
const GATHER_MS = 20;
const GATHER_AT_MOST = 500;
/** A number nobody receives: the next event shows every reader a gap. */
const LOST = 'lost';

/** The bus between roles: Redis publish/subscribe, events numbered, commands with one answer. */
export async function createBus(options: {
  redisUrl: string;
  instance: string;
  log: Log;
  /** False: this process only says and asks; it is not woken for what others say. */
  listens?: boolean;
}): Promise<Bus> {
  const { redisUrl, instance, log, listens = true } = options;
  const prefix = `${keyPrefix(redisUrl)}:bus`;
  const events = `${prefix}:events`;
  const replies = `${prefix}:reply:${instance}:${randomBytes(6).toString('hex')}`;
  // Nothing queues up while Redis is away: an event is lost and marked as such, a command fails at once.
  const sender = openRedis(redisUrl, log, { enableOfflineQueue: false, lazyConnect: true });
  const receiver = openRedis(redisUrl, log, { lazyConnect: true });

  const listeners = new Map<BusListener, (() => void) | undefined>();
  const handlers = new Map<string, Map<string, (input: unknown) => Promise<unknown>>>();
  const asked = new Map<string, (reply: Reply) => void>();
  let lastSeq: number | undefined;
  let lost = false;
  let closed = false;

  function gap(): void {
    for (const onGap of [...listeners.values()]) onGap?.();
  }

  /** What is said twice within a message is said once, the last time. */
  const gathered = new Set<string>();
  let gathering: NodeJS.Timeout | undefined;

  function gather(text: string): void {
    gathered.delete(text);
    gathered.add(text);
    if (gathered.size >= GATHER_AT_MOST) publishGathered();
    else gathering ??= setTimeout(publishGathered, GATHER_MS);
  }

  function publishGathered(): void {
    clearTimeout(gathering);
    gathering = undefined;
    if (gathered.size === 0) return;
    const texts = [...gathered];
    gathered.clear();
    publishText(texts.join('\n'), texts.length);
  }

  function publishText(text: string, count: number): void {
    sender.eval(PUBLISH, 1, `${prefix}:seq`, events, text, count).catch(() => {
      lost = true;
    });
  }

  function onEvent(message: string): void {
    const space = message.indexOf(' ');
    const last = Number(message.slice(0, space));
    const texts = message.slice(space + 1).split('\n');
    let seq = last - texts.length;
    const missed = lastSeq !== undefined && seq !== lastSeq;
    lastSeq = last;
    if (missed || texts[0] === LOST) gap();
    if (texts[0] === LOST) return;
    for (const text of texts) {
      seq++;
      tell(JSON.parse(text) as BusEvent, seq);
    }
  }

  /** One listener that fails keeps nothing from the others. */
  function tell(event: BusEvent, seq: number): void {
    for (const listener of [...listeners.keys()]) {
      try {
        listener(event, seq);
      } catch (error) {
        log.error({ error: messageOf(error), event: event.type }, 'a listener of the bus failed');
      }
    }
  }

  async function onRequest(address: string, message: string): Promise<void> {
    const request = JSON.parse(message) as Request;
    const handler = handlers.get(address)?.get(request.name);
    if (!handler) return;
    const claimed = await sender.set(`${prefix}:claim:${request.id}`, instance, 'PX', request.timeoutMs + 1000, 'NX');
    if (claimed !== 'OK') return;
    let reply: Reply;
    try {
      reply = { id: request.id, out: await handler(request.input) };
    } catch (error) {
      const wire = toWire(error);
      if (wire.code === 'internal') log.error({ err: error, command: request.name }, 'a command failed');
      reply = { id: request.id, error: wire };
    }
    // Whoever asked sees what changed no later than the answer.
    publishGathered();
    await sender.publish(request.replyTo, JSON.stringify(reply));
  }

  receiver.on('message', (channel: string, message: string) => {
    try {
      if (channel === events) onEvent(message);
      else if (channel === replies) {
        const reply = JSON.parse(message) as Reply;
        asked.get(reply.id)?.(reply);
      } else {
        const address = channel.slice(prefix.length + ':to:'.length);
        onRequest(address, message).catch((error) =>
          log.warn({ error: messageOf(error) }, 'a command was not answered'),
        );
      }
    } catch (error) {
      log.error({ error: messageOf(error), channel }, 'a bus message could not be used');
    }
  });
  let connectedBefore = false;
  receiver.on('ready', () => {
    // ioredis subscribes again by itself; what was published meanwhile is gone.
    if (connectedBefore) {
      lastSeq = undefined;
      gap();
    }
  });
  sender.on('ready', () => {
    if (!lost) return;
    lost = false;
    publishText(LOST, 1);
  });
  // A Redis that is away at the start is waited for, as one that goes away later is.
  await Promise.all([sender.connect(), receiver.connect()].map((connecting) => connecting.catch(() => {})));
  connectedBefore = true;
  const subscribed = receiver.subscribe(...(listens ? [events] : []), replies);
  if (receiver.status === 'ready') await subscribed;
  else subscribed.catch(() => {});

  return {
    publish(event) {
      if (!closed) gather(JSON.stringify(event));
    },
    subscribe(listener, onGap) {
      if (!listens) throw new Error('This bus was opened without listening');
      listeners.set(listener, onGap);
      return () => listeners.delete(listener);
    },
    handle(address, name, fn) {
      let names = handlers.get(address);
      if (!names) {
        names = new Map();
        handlers.set(address, names);
        receiver.subscribe(`${prefix}:to:${address}`).catch(() => {});
      }
      const handler = fn as (input: unknown) => Promise<unknown>;
      names.set(name, handler);
      return () => {
        if (names.get(name) !== handler) return;
        names.delete(name);
        if (names.size > 0) return;
        handlers.delete(address);
        receiver.unsubscribe(`${prefix}:to:${address}`).catch(() => {});
      };
    },
    async call<K extends keyof Commands>(
      address: string,
      name: K,
      input: Commands[K]['in'],
      timeoutMs = CALL_TIMEOUT_MS,
    ) {
      publishGathered();
      const id = randomBytes(9).toString('base64url');
      const request: Request = { id, name, input, replyTo: replies, timeoutMs };
      let timer: NodeJS.Timeout | undefined;
      try {
        return await new Promise<Commands[K]['out']>((resolve, reject) => {
          timer = setTimeout(() => reject(noAnswer(address, name)), timeoutMs);
          asked.set(id, (reply) => {
            if (reply.error) reject(fromWire(reply.error));
            else resolve(reply.out as Commands[K]['out']);
          });
          sender.publish(`${prefix}:to:${address}`, JSON.stringify(request)).then(
            (receivers) => {
              if (receivers === 0) reject(noAnswer(address, name));
            },
            () => reject(noAnswer(address, name)),
          );
        });
      } finally {
        clearTimeout(timer);
        asked.delete(id);
      }
    },
    async close() {
      publishGathered();
      closed = true;
      listeners.clear();
      handlers.clear();
      // QUIT waits for what was sent before it.
      if (sender.status === 'ready') await sender.quit().catch(() => {});
      sender.disconnect();
      receiver.disconnect();
    },
  };
}
