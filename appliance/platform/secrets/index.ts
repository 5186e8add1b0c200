export type { KeyRing } from './key-ring.ts';
export { openKeyRing } from './key-ring.ts';
export type { Secrets } from './secrets.ts';
export { openSecrets } from './secrets.ts';
