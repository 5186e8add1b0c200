// INVITE server transaction: RFC 3261 §17.2.1 with the "accepted" state of RFC 6026 §7.1.
// Pure: sockets, clocks and logging live in server.ts.
export type State = 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated';
export type Input =
  | { on: 'request'; method: 'INVITE' | 'ACK' }
  | { on: 'respond'; status: number } // from the transaction user
  | { on: 'timer'; name: 'G' | 'H' | 'I' | 'L' }
  | { on: 'transport-error' };
export type Effect =
  | 'send'
  | 'resend'
  | 'ack-to-user'
  | 'fail'
  | 'start-G'
  | 'start-H'
  | 'start-I'
  | 'start-L'
  | 'stop-G'
  | 'stop-H';
export type Step = readonly [State, ...Effect[]];

/** Next state and what to do; undefined means "not legal here": the runner logs it and stays. */
export function step(state: State, input: Input, reliable: boolean): Step | undefined {
  if (state === 'terminated') return undefined;
  if (input.on === 'transport-error') return [state, 'fail']; // RFC 6026 §8.8: stay, tell the user
  switch (state) {
    case 'proceeding':
      if (input.on === 'request' && input.method === 'INVITE') return [state, 'resend'];
      if (input.on !== 'respond') return undefined;
      if (input.status < 200) return [state, 'send'];
      if (input.status < 300) return ['accepted', 'send', 'start-L']; // the user repeats a 2xx, not we
      return reliable ? ['completed', 'send', 'start-H'] : ['completed', 'send', 'start-G', 'start-H'];
    case 'accepted':
      if (input.on === 'request') return input.method === 'ACK' ? [state, 'ack-to-user'] : [state];
      if (input.on === 'respond') return input.status >= 200 && input.status < 300 ? [state, 'send'] : undefined;
      return input.name === 'L' ? ['terminated'] : undefined;
    case 'completed':
      if (input.on === 'request')
        return input.method === 'ACK' ? ['confirmed', 'stop-G', 'stop-H', 'start-I'] : [state, 'resend'];
      if (input.on === 'respond') return undefined;
      if (input.name === 'G') return [state, 'resend', 'start-G']; // runner doubles it up to T2
      return input.name === 'H' ? ['terminated', 'fail'] : undefined; // the ACK never came
    case 'confirmed':
      if (input.on === 'request') return [state]; // absorbs late ACKs
      return input.on === 'timer' && input.name === 'I' ? ['terminated'] : undefined;
  }
}
