import type { custodianOperations, CustodianPath } from '@ngome/contracts'
import type { z } from 'zod'

/** A request that the boundary's schema has accepted. */
export type ParsedRequest<P extends CustodianPath> = z.output<(typeof custodianOperations)[P]['request']>
