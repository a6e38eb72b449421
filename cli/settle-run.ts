import { formatMoney, parseAmount, parseCurrency, type Currency } from '@ngome/kernel'
import { settleDay, unsettledMerchants } from '@ngome/store'
import { exitCodes, Misuse, type Command } from './command.ts'
import { merchantId } from './operator/find-merchant.ts'
import { withOperator } from './operator/load.ts'
import { vouchForSettlement } from './operator/vouch-for-settlement.ts'
import { worldOf } from './operator/world-of.ts'
import { printList } from './print-list.ts'

export const settleRun: Command = {
  name: 'settle run',
  summary: 'Take out of merchants\u2019 available money what is to be paid to their banks: of the last closed day, once.',
  operands: [{ name: 'merchant', about: 'its id; all who have something where it is left out', isRequired: false }],
  options: {
    world: { type: 'string', value: 'WORLD', about: 'test or live; test when left out' },
    currency: { type: 'string', value: 'CODE', about: 'ISO 4217, such as UGX', isRequired: true },
    minimum: { type: 'string', value: 'AMOUNT', about: 'less is left for a later day; what the configuration says when left out' },
  },
  async run(context, { operands, options, isJson }) {
    const world = worldOf(options['world'])
    const currency = currencyOf(options['currency'])
    const named = operands['merchant'] === undefined ? undefined : merchantId(operands['merchant'])
    const results = await withOperator(context, async ({ db, identity }, { settlement }) => {
      const minimumMinor = minimumOf(options['minimum'] ?? settlement.daily[currency]?.minimum ?? '0', currency)
      const merchants = named === undefined ? unsettledMerchants(db, world, currency) : [named]
      const done = []
      for await (const merchant of merchants) {
        if (context.interrupted.aborted) break
        const tenant = { merchant, world }
        const vouch = vouchForSettlement(identity, { tenant, state: 'created' })
        done.push({ merchant, ...await settleDay(db, { ...context, process: 'operator' }, tenant, { currency, minimumMinor }, vouch) })
      }
      return done
    })
    const views = results.map((result) => result.kind !== 'settled' ? { merchant: result.merchant, result: result.kind } : {
      merchant: result.merchant, result: result.kind, settlement: result.settlement, day: result.day, currency,
      amount: formatMoney({ amountMinor: result.amountMinor, currency }),
    })
    if (isJson) context.out(JSON.stringify(views))
    else printList(context, views, (view) => 'settlement' in view
      ? `${view.settlement}  ${view.merchant}  ${view.day}  ${view.amount} ${currency}` : `${view.merchant}  ${view.result}`, 'nobody has anything to settle')
    return named !== undefined && results.every(({ kind }) => kind !== 'settled') ? exitCodes.failed : exitCodes.done
  },
}

function currencyOf(text: string | boolean | undefined): Currency {
  const currency = typeof text === 'string' ? parseCurrency(text) : undefined
  if (currency === undefined) throw new Misuse('--currency is a code such as UGX')
  return currency
}

function minimumOf(text: string | boolean, currency: Currency): bigint {
  if (text === '0') return 0n
  const minor = typeof text === 'string' ? parseAmount(text, currency) : undefined
  if (minor === undefined) throw new Misuse(`--minimum is an amount of ${currency}, such as 100`)
  return minor
}
