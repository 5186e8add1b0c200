export { Admissions } from './admission.ts';
export * from './api.ts';
export { type CallsOptions, createCalls } from './calls.ts';
export { q850OfStatus, statusOfCause, textOfQ850 } from './causes.ts';
export { createLegStore, type LegRow, type LegStore } from './store.ts';
