// The door of the SIP room.
export * from './api.ts';
export { type DigestAlgorithm, ha1 } from './auth/digest.ts';
export {
  createDigestServer,
  type DigestServer,
  type DigestServerOptions,
  type Ha1Lookup,
  type Verdict,
} from './auth/server.ts';
export { newBranch, newCallId, newTag } from './message/build.ts';
export {
  DIVERSION_REASONS,
  type Diversion,
  type DiversionReason,
  diversionHeaders,
  parseDiversions,
} from './message/diversion.ts';
export { parseParams, printParams } from './message/grammar.ts';
export { SipRequest, SipResponse } from './message/message.ts';
export { NameAddr, parseNameAddr, printNameAddr } from './message/name-addr.ts';
export { parseMessage } from './message/parser.ts';
export { privacyOf } from './message/privacy.ts';
export { parseReason, type Reason, reasonHeaders } from './message/reason.ts';
export { parseRefer, parseReplaces, printReplaces, type Refer, type Replaces } from './message/refer.ts';
export { ACCEPTED, readSession, SDP, sdpOf } from './message/session-body.ts';
export { reasonOf } from './message/status.ts';
export { SipSyntaxError } from './message/syntax-error.ts';
export { parseUri, printUri, type SipUri, sameUri } from './message/uri.ts';
export type { Via } from './message/via.ts';
export { createSipStack } from './stack.ts';
