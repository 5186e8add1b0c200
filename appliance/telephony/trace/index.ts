export { ladder } from './ladder.ts';
export { pcap } from './pcap.ts';
export { SipRing, type TracedCall, type TracedMessage } from './ring.ts';
export { createSipTrace, type SipTrace } from './trace.ts';
