export type { Config, DataPaths } from './config.ts';
export { ConfigError, loadConfig } from './config.ts';
export type { PortRange } from './keys.ts';
export { DEFAULTS, KEYS } from './keys.ts';
