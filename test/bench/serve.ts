// npm run bench:serve: an instance in a scratch data folder for drivers that speak SIP to it, until SIGTERM or Ctrl-C.
import { rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BenchInstance } from './bench-instance.ts';

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '400' },
    'agent-address': { type: 'string', default: '127.0.0.1:5190' },
    'sip-port': { type: 'string', default: '5260' },
    'service-ports': { type: 'string', default: '26600' },
    'rtp-ports': { type: 'string', default: '20000-23999' },
    'edge-ports': { type: 'string', default: '24000-24199' },
    workers: { type: 'string', default: '2' },
    'pid-file': { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  process.stdout.write(`npm run bench:serve -- [--agents 400] [--agent-address 127.0.0.1:5190] [--sip-port 5260] [--pid-file FILE]
  [--service-ports 26600] [--rtp-ports 20000-23999] [--edge-ports 24000-24199] [--workers 2]

Agents agent001… are phones at that address, always ready, without wrap-up. Callers dial answer (silence until they hang up),
prompt (0.5 s prompt, then BYE), sales (0.5 s prompt, then the queue) or salesrec (the same, recorded).
FILE gets, once calls are taken, the process id of the parent of everything the product runs.\n`);
  process.exit(0);
}

const [host = '', port] = values['agent-address'].split(/:(?=\d+$)/);
const instance = new BenchInstance({
  agents: Number(values.agents),
  agentAddress: { host, port: Number(port ?? 5060) },
  sipPort: Number(values['sip-port']),
  servicePorts: Number(values['service-ports']),
  rtpPorts: values['rtp-ports'],
  edgePorts: values['edge-ports'],
  workers: Number(values.workers),
});
let stopping: Promise<void> | undefined;

function stop(code: number): Promise<void> {
  stopping ??= (async () => {
    if (values['pid-file']) rmSync(values['pid-file'], { force: true });
    await instance.stop().catch((error) => process.stderr.write(`${error.stack}\n`));
    process.exit(code);
  })();
  return stopping;
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => void stop(0));
try {
  await instance.start();
  if (values['pid-file']) writeFileSync(values['pid-file'], `${instance.pid}\n`);
  process.stdout.write(
    `Calls are taken at 127.0.0.1:${values['sip-port']}; process ${instance.pid}, ${instance.dir}\n`,
  );
  void instance.gone.then(() => stop(1));
} catch (error) {
  if (!stopping) {
    process.stderr.write(`${(error as Error).message}\n`);
    await stop(1);
  }
}
