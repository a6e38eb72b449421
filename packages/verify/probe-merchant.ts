import type { Secret, Tenant } from '@ngome/kernel'

/** A merchant of the test world that belongs to the probes, with an API key that is revoked when they are done. */
export type ProbeMerchant = { readonly tenant: Tenant; readonly apiKey: Secret<string> }

/** The two merchants of the probes: what one seals, the other must not open. */
export type ProbeMerchants = { readonly merchant: (which: 'first' | 'second') => Promise<ProbeMerchant> }
