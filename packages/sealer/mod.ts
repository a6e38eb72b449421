export { SealerError, type SealerErrorCode } from './sealer-error.ts'
export type { SealerSuite } from './suites.ts'
export { VaultKey, type ExpectedKey } from './vault-key.ts'
export type { ValueType } from './pad-value.ts'
