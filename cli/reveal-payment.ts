import { custodianOperations, emit, sealedPaymentSchema, type SealedPayment } from '@ngome/contracts'
import { openRecord, parseBlob } from '@ngome/envelope'
import { Fault, parseBase64Url, parsePaymentId, parseStrictJson, Secret, toBase64Url, type PaymentId } from '@ngome/kernel'
import { appendEvent, findSealedPayment, inTenant, type Database, type SealedPaymentRow } from '@ngome/store'
import { exitCodes, Misuse, type Command, type Context, type ExitCode, type Given } from './command.ts'
import type { OperatorAccess } from './operator/create-merchant.ts'
import { withDatabase, withOperator } from './operator/load.ts'
import { approvalOf, readApproval, writeRequest } from './staff/approval-file.ts'
import { personOf, personOptions } from './staff/staff-key.ts'

const operation = '/v1/reveal'
const sealedBounds = { depthMax: 2, nodesMax: 16 }

export const revealPayment: Command = {
  name: 'reveal payment',
  summary: 'Show a payment\'s payer to a person: first write the request, then, when two people have signed it, show.',
  operands: [{ name: 'payment', about: 'its id', isRequired: true }],
  options: {
    request: { type: 'string', value: 'FILE', about: 'first step: where the request is written' },
    reason: { type: 'string', value: 'TEXT', about: 'first step: why, in 10 to 500 characters' },
    approval: { type: 'string', value: 'FILE', about: 'second step: the request, signed by two people' },
    show: { type: 'boolean', about: 'second step: write the number also where no terminal shows it, and into the JSON' },
    ...personOptions,
  },
  async run(context, given) {
    const payment = parsePaymentId(given.operands['payment'] ?? '')
    if (payment === undefined) throw new Misuse('that is not the id of a payment')
    const { approval, request, reason } = given.options
    if (typeof approval === 'string') return reveal(context, given, payment, approval)
    if (typeof request !== 'string' || typeof reason !== 'string') {
      throw new Misuse('give --request FILE and --reason TEXT, or, when it is signed, --approval FILE')
    }
    const row = await withDatabase(context, (db) => sealedPayment(db, payment))
    writeRequest(context, request, { operation, parameters: parametersOf(payment, row), reason })
    if (given.isJson) context.out(JSON.stringify({ payment, request }))
    else context.out(`Two people approve within 15 minutes: ngome staff approve ${request}`)
    return exitCodes.done
  },
}

async function reveal(context: Context, given: Given, payment: PaymentId, path: string): Promise<ExitCode> {
  const isShown = given.options['show'] === true
  // Before anything is opened: what is opened for nobody to see was opened for nothing.
  if (!isShown && !given.isJson && !context.isTerminal) throw new Misuse('no terminal shows this; add --show where that is meant')
  const person = await personOf(context, given)
  const { staff, sealed } = await withOperator(context, (access) => openPayment(access, payment, path), person)
  const { amount_minor: amountMinor, currency, payer } = sealed
  if (given.isJson) context.out(JSON.stringify({ payment, staff, ...isShown ? { payer: payer ?? null, amountMinor, currency } : {} }))
  else context.out(`${payment}  ${payer?.phone ?? 'no number of its own'}  ${amountMinor} ${currency} (minor units)  revealed for ${staff.join(', ')}`)
  return exitCodes.done
}

type Revealed = { readonly staff: readonly string[]; readonly sealed: SealedPayment }

/** The custodian has recorded it before it answers; ours is told before anybody sees the number. */
async function openPayment({ db, custodian, clock, random }: OperatorAccess, payment: PaymentId, path: string): Promise<Revealed> {
  const file = readApproval(path)
  const row = await sealedPayment(db, payment)
  const body = custodianOperations[operation].request.safeParse({ ...parametersOf(payment, row), approval: approvalOf(file) })
  if (!body.success) throw new Misuse('nobody has signed this file')
  const { key, staff } = await custodian.call(operation, body.data)
  const event = emit({ clock, random, process: 'operator' }, 'payment.revealed', row.tenant, {
    payment, staff, reason: file.request.reason,
  })
  await inTenant(db, row.tenant, (tx) => appendEvent(tx, event))
  const plaintext = openRecord(new Secret(parseBase64Url(key) ?? new Uint8Array()), row.sealed)
  const json = parseStrictJson(plaintext, sealedBounds)
  plaintext.fill(0)
  return { staff, sealed: sealedPaymentSchema.parse(json.ok ? json.value : undefined) }
}

async function sealedPayment(db: Database, payment: PaymentId): Promise<SealedPaymentRow> {
  const row = await findSealedPayment(db, payment)
  if (row === undefined) throw new Fault('launcher/failed', `there is no payment ${payment}`)
  return row
}

function parametersOf(payment: PaymentId, { tenant, sealed, dataKey }: SealedPaymentRow): {
  merchant: string; world: string; payment: string; dataKey: string; salt: string
} {
  const salt = parseBlob(sealed)?.salt
  if (salt === undefined) throw new Fault('launcher/failed', 'what is kept of this payment is no sealed record')
  return { ...tenant, payment, dataKey: toBase64Url(dataKey), salt: toBase64Url(salt) }
}
