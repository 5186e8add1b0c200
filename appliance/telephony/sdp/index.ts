export {
  type Codec,
  type Direction,
  parseSdp,
  type RemoteAudio,
  type RemoteMedia,
  type RemoteSdp,
  SdpError,
  type Security,
} from './remote.ts';
export { type Agreed, agreeToAnswer, type Local, type SdpFacts, SdpSession, TELEPHONE_EVENT } from './session.ts';
