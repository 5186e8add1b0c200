// A holder in a process of its own, for tests that kill it. The configuration comes as JSON in the first argument.
import { Holder, type HolderConfig } from '../holder.ts';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const holder = new Holder({ ...(JSON.parse(process.argv[2]!) as Omit<HolderConfig, 'log'>), log: quiet });
await holder.start();
process.send?.({ pid: holder.activePid });
