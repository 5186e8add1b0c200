export { type Authenticator, createAuthenticator } from './authenticator.ts';
export type { Contact } from './contacts.ts';
export { askOptions, isPing } from './options.ts';
export type { Reach } from './reach.ts';
export { createRegistrar, type Registrar, type RegistrarOptions } from './registrar.ts';
export {
  createRegistrationStore,
  type RegistrationRow,
  type RegistrationStore,
  registrations,
  type StoredRegistration,
} from './store.ts';
