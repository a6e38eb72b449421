import { parseId, type SettlementId } from '@ngome/kernel'
import { endSettlement, settlementTenant, type SettlementEnd } from '@ngome/store'
import { exitCodes, Misuse, type Context, type ExitCode } from '../command.ts'
import { withOperator } from './load.ts'
import { vouchForSettlement } from './vouch-for-settlement.ts'

/** Records what the bank did with a settlement and says so; to say the same again is no failure. @returns the exit code */
export async function sayEnd(context: Context, given: string | undefined, end: SettlementEnd, isJson: boolean): Promise<ExitCode> {
  const settlement = settlementId(given)
  const outcome = await withOperator(context, async ({ db, identity }) => {
    const tenant = await settlementTenant(db, settlement)
    if (tenant === undefined) return 'unknown'
    const words = end.state === 'paid' ? end.bankReference : end.failure
    return endSettlement(db, context, tenant, settlement, end, vouchForSettlement(identity, { tenant, state: end.state, settlement, words }))
  })
  if (isJson) context.out(JSON.stringify({ settlement, result: outcome }))
  else if (outcome === 'done') context.out(`${settlement} is ${end.state}`)
  else context.err(`ngome: ${outcome === 'unknown' ? `no settlement is ${settlement}` : `${settlement} is ${outcome} already`}`)
  return outcome === 'done' || outcome === end.state ? exitCodes.done : exitCodes.failed
}

/** @throws Misuse where the text is not a settlement's id */
function settlementId(text: string | undefined): SettlementId {
  const id = text === undefined ? undefined : parseId('settlement', text)
  if (id === undefined) throw new Misuse(`"${text ?? ''}" is not a settlement's id, such as stl_01h455vb4pex5vsknk084sn02q`)
  return id
}

/** @throws Misuse where it is nothing, or too long */
export function wordsOf(option: string, text: string | boolean | undefined, lengthMax: number): string {
  if (typeof text !== 'string' || text.length === 0 || text.length > lengthMax || /\p{Cc}/u.test(text)) {
    throw new Misuse(`${option} takes 1 to ${lengthMax} characters of one line`)
  }
  return text
}
