export { type Authenticator, createAuthenticator } from './authenticator.ts';
export type { Contact } from './contacts.ts';
export { createRegistrar, type Registrar, type RegistrarOptions } from './registrar.ts';
export { createRegistrationStore, type RegistrationRow, type RegistrationStore, registrations } from './store.ts';
