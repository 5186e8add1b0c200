export function ensureNodeModules(): Promise<void>;
export function matchesLock(): boolean;
export function tooOld(version: string): boolean;
