import type { CustodianClient } from '@ngome/runtime'
import type { StatementSource } from './merchant-statements.ts'

/** Statements from the custodian. */
export function statementSource(custodian: CustodianClient): StatementSource {
  return {
    async tenants(after) {
      return (await custodian.call('/v1/tenants', { after })).tenants
    },
    async statements(tenants) {
      return (await custodian.call('/v1/merchant-keys', { tenants: [...tenants] })).statements
    },
  }
}
