import { emit } from '@ngome/contracts'
import { freezeMerchant } from '@ngome/store'
import { exitCodes, type Context, type ExitCode, type Given } from '../command.ts'
import { merchantId } from './find-merchant.ts'
import { withDatabase } from './load.ts'

/** Freezes a merchant or thaws one; doing it twice is no failure. */
export async function setFrozen(context: Context, { operands, isJson }: Given, isFrozen: boolean): Promise<ExitCode> {
  const { clock, random, out, err } = context
  const merchant = merchantId(operands['merchant'])
  const type = isFrozen ? 'merchant.frozen' : 'merchant.unfrozen'
  const event = emit({ clock, random, process: 'operator' }, type, { merchant, world: null }, {})
  const result = await withDatabase(context, (db) => freezeMerchant(db, merchant, { isFrozen, atMs: clock.nowMs() }, event))
  if (isJson) out(JSON.stringify({ merchant, isFrozen: result === 'unknown' ? null : isFrozen, result }))
  else if (result === 'unknown') err(`ngome: there is no merchant ${merchant}`)
  else out(`${merchant} is ${isFrozen ? 'frozen' : 'active'}${result === 'already' ? ', as it was before' : ''}`)
  return result === 'unknown' ? exitCodes.failed : exitCodes.done
}
