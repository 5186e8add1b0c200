import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { ROOT } from './run.mjs';

const NAME = `\0strongroom-setup-${createHash('sha256').update(ROOT).digest('hex').slice(0, 32)}`;

/** `npm start` and `npm test` may be typed at once: one of them sets up, the other waits and finds it done. */
export async function oneSetupAtATime(work) {
  let server;
  for (let said = false; !server; ) {
    server = await new Promise((resolve, reject) => {
      const attempt = createServer();
      attempt.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
      attempt.listen(NAME, () => resolve(attempt));
    });
    if (server) break;
    if (!said) process.stdout.write('Another set-up of this folder is under way; waiting for it.\n');
    said = true;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  try {
    return await work();
  } finally {
    server.close();
  }
}
