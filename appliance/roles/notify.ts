import { spawn } from 'node:child_process';

/** Tells whoever started this process that it is ready and that its event loop still turns. */
export interface Notifier {
  ready(): void;
  stopping(): void;
  close(): void;
}

const BEAT_MS = 2000;

export function openNotifier(env: Record<string, string | undefined> = process.env): Notifier {
  if (process.send) return supervisorNotifier();
  if (env.NOTIFY_SOCKET) return systemdNotifier(Number(env.WATCHDOG_USEC ?? 0) / 1000);
  return { ready() {}, stopping() {}, close() {} };
}

/** What npm start's supervisor reads from the channel to its children. */
export type SupervisorMessage = 'ready' | 'beat' | 'stopping';

function supervisorNotifier(): Notifier {
  const say = (message: SupervisorMessage) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  };
  const timer = setInterval(() => say('beat'), BEAT_MS);
  timer.unref();
  return {
    ready: () => say('ready'),
    stopping: () => say('stopping'),
    close: () => clearInterval(timer),
  };
}

/** Node cannot write to systemd's datagram socket itself; its own helper does. NotifyAccess=all in the unit allows it. */
function systemdNotifier(watchdogMs: number): Notifier {
  const say = (...words: string[]) => {
    spawn('systemd-notify', words, { stdio: 'ignore' }).on('error', () => {});
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    ready() {
      say('--ready');
      if (watchdogMs > 0) timer = setInterval(() => say('WATCHDOG=1'), watchdogMs / 3);
      timer?.unref();
    },
    stopping: () => say('--stopping'),
    close: () => clearInterval(timer),
  };
}
