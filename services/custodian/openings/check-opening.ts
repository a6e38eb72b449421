import type { ReadRecordContext, SealedDataKey } from '@ngome/envelope'
import { clockSkewMs } from '../authority/authority.ts'
import type { Caller } from '../calls/caller.ts'
import type { RefusalReason } from '../calls/refusal.ts'
import { tenantName } from '../merchants/tenants.ts'
import type { PurposeRule } from './purposes.ts'

/**
 * Holds one record against the rule of its purpose.
 * @returns why it may not be opened, or `null`
 */
export function checkOpening(
  rule: PurposeRule, caller: Caller, context: ReadRecordContext, dataKey: SealedDataKey, nowMs: number,
): RefusalReason | null {
  if (caller.role !== rule.caller) return 'purpose_not_permitted'
  if (context.table !== rule.table) return 'table_not_permitted'
  if (context.dataClass !== rule.dataClass) return 'class_not_permitted'
  if (dataKey.retention !== rule.retention) return 'retention_not_permitted'
  if (tenantName(context.tenant) !== tenantName(dataKey.tenant)) return 'tenant_differs'
  if (context.suite !== dataKey.suite) return 'suite_differs'
  if (dataKey.createdAtMs > nowMs + clockSkewMs) return 'data_key_from_future'
  // At the limit itself it is too old: "younger than 72 h".
  const isTooOld = rule.dataKeyAgeMsMax !== null && nowMs - dataKey.createdAtMs >= rule.dataKeyAgeMsMax
  return isTooOld ? 'data_key_too_old' : null
}
