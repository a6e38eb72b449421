import { burstMax, ratePerSMax } from '@ngome/access'
import type { MerchantLimit } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { merchantId } from './operator/find-merchant.ts'
import { withDatabase } from './operator/load.ts'
import { setLimits } from './operator/set-limits.ts'
import { worldOf } from './operator/world-of.ts'

export const merchantsLimits: Command = {
  name: 'merchants limits',
  summary: 'Give a merchant limits of its own in a world, or those of the configuration again.',
  operands: [{ name: 'merchant', about: 'its id', isRequired: true }],
  options: {
    world: { type: 'string', value: 'WORLD', about: 'test or live; test when left out' },
    rate: { type: 'string', value: 'TOKENS', about: 'tokens that come back each second: for each of its keys, and for all together' },
    burst: { type: 'string', value: 'TOKENS', about: 'tokens that there can be at once' },
    default: { type: 'boolean', about: 'the limits of the configuration' },
  },
  async run(context, { operands, options, isJson }) {
    const { out, err } = context
    const tenant = { merchant: merchantId(operands['merchant']), world: worldOf(options['world']) }
    const limit = limitOf(options)
    const result = await withDatabase(context, (db) => setLimits({ ...context, db }, tenant, limit))
    if (isJson) out(JSON.stringify({ ...tenant, limits: result === 'unknown' ? null : limit ?? 'default', result }))
    else if (result === 'unknown') err(`ngome: there is no merchant ${tenant.merchant}`)
    else out(`${tenant.merchant} has ${limitText(limit)} in ${tenant.world}${result === 'already' ? ', as before' : ''}`)
    return result === 'unknown' ? exitCodes.failed : exitCodes.done
  },
}

export function limitText(limit: MerchantLimit | null): string {
  return limit === null ? 'the limits of the configuration' : `${limit.ratePerS} tokens a second and ${limit.burst} at once`
}

function limitOf({ rate, burst, default: isDefault }: Readonly<Record<string, string | boolean | undefined>>): MerchantLimit | null {
  if (isDefault === true && rate === undefined && burst === undefined) return null
  if (isDefault === true || rate === undefined || burst === undefined) throw new Misuse('give --rate and --burst, or --default')
  return { ratePerS: wholeNumber('--rate', rate, ratePerSMax), burst: wholeNumber('--burst', burst, burstMax) }
}

function wholeNumber(option: string, text: string | boolean, max: number): number {
  const value = typeof text === 'string' && /^[1-9][0-9]{0,6}$/.test(text) ? Number(text) : 0
  if (value < 1 || value > max) throw new Misuse(`${option} is a whole number from 1 to ${max}`)
  return value
}
