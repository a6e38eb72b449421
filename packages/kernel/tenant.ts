import type { MerchantId } from './ids.ts'

/** Test and live are apart in every row, key, limit and ledger. */
export const worlds = ['test', 'live'] as const
export type World = (typeof worlds)[number]

/** Whose a row is: a merchant in one world. */
export type Tenant = { readonly merchant: MerchantId; readonly world: World }

/** How sensitive a value is; every column, event field and API field carries one (promise R28). */
export const dataClasses = ['public', 'internal', 'confidential', 'restricted'] as const
export type DataClass = (typeof dataClasses)[number]

/** The processes that hold a certificate of the internal authority. */
export const processRoles = ['gateway', 'custodian', 'dispatcher', 'operator', 'auditor'] as const
export type ProcessRole = (typeof processRoles)[number]
