import type { PaymentStore } from '@ngome/store'
import type { reportOperations } from '../api/report-operations.ts'
import type { settlementOperations } from '../api/settlement-operations.ts'
import { listBalances } from '../balances/list-balances.ts'
import type { Handlers } from '../http/call.ts'
import { exportStatement } from './export-statement.ts'
import { getStatement } from './get-statement.ts'
import { getSettlement, listSettlements } from './settlements.ts'
import type { StatementPorts } from './read-part.ts'

/** The handlers of what a merchant's books say. */
export function reportHandlers(
  ports: StatementPorts & { readonly payments: PaymentStore },
): Pick<Handlers, keyof typeof reportOperations | keyof typeof settlementOperations | 'listBalances'> {
  return {
    listBalances: (call) => listBalances(ports, call),
    getStatement: (call) => getStatement(ports, call),
    exportStatement: (call) => exportStatement(ports, call),
    getSettlement: (call) => getSettlement(ports, call),
    listSettlements: (call) => listSettlements(ports, call),
  }
}
