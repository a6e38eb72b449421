import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { brokenAnswer, envelope, rateCapped, unauthorised, type Answer } from './answers.ts'
import { balanceOf } from './balance.ts'
import type { Step, Transaction } from './books.ts'
import { shownKey } from './keys.ts'
import { answer } from './money-routes.ts'
import { parseJson } from './money-request.ts'
import type { Simulation } from './simulation.ts'
import { holderOf, type Product } from './test-numbers.ts'

type Params = { readonly Params: { readonly id: string } }

/** The calls that move nothing: token, keys, the state of a transaction, who a number belongs to, the balance. */
export function enquiryRoutes(server: FastifyInstance, simulation: Simulation): void {
  const { callers, manners, keys, books } = simulation

  server.post('/auth/oauth2/token', async (request, reply) => {
    const manner = manners.take('token', undefined)
    if (manner?.kind === 'hang') return reply.hijack()
    if (manner?.kind === 'answer') return answer(reply, brokenAnswer(manner.status))
    return answer(reply, callers.issueToken(parseJson(request.body as Buffer)))
  })

  server.get('/v1/rsa/encryption-keys', async (request, reply) => {
    const caller = callers.authorise(request.headers)
    if ('status' in caller) return answer(reply, caller)
    const manner = manners.take('keys', undefined)
    if (manner?.kind === 'hang') return reply.hijack()
    if (manner?.kind === 'answer') return answer(reply, brokenAnswer(manner.status))
    const key = shownKey(manner?.kind === 'another' ? keys.stranger : keys.messages)
    const validUpTo = new Date(simulation.nowMs() + keyLifeMs).toISOString()
    return answer(reply, envelope('DP02010001001', { key_id: keyId, key, valid_upto: validUpTo }))
  })

  server.get<Params>('/standard/v1/payments/:id', (request, reply) => stateOf(simulation, 'collection', request, reply))
  for (const version of ['v1', 'v2', 'v3']) {
    server.get<Params>(`/standard/${version}/disbursements/:id`, (request, reply) => stateOf(simulation, 'disbursement', request, reply))
  }

  server.get('/standard/v1/users/balance', async (request, reply) => {
    const caller = callers.authorise(request.headers)
    if ('status' in caller) return answer(reply, caller)
    const balance = balanceOf({ books, nowMs: simulation.nowMs }, caller)
    return answer(reply, envelope('DP02100000001', { balance: balance.toFixed(1), currency: caller.country.currency, account_status: 'Active' }))
  })

  server.get<Params>('/standard/v1/users/:id', async (request, reply) => {
    const caller = callers.authorise(request.headers)
    if ('status' in caller) return answer(reply, caller)
    const holder = holderOf(request.params.id)
    if (holder === 'unknown') return answer(reply, envelope('DP02200000000'))
    return answer(reply, envelope('DP02200000001', {
      first_name: 'John', last_name: 'Doe', grade: 'SUBS', msisdn: request.params.id, is_barred: holder === 'barred', is_pin_set: true,
    }))
  })
}

const keyId = 'c0ffee00-simulator'
/** The documentation shows keys that are valid for a year and more. */
const keyLifeMs = 365 * 86_400_000

async function stateOf(
  simulation: Simulation, product: Product, request: FastifyRequest<Params>, reply: FastifyReply,
): Promise<FastifyReply> {
  const { books, manners } = simulation
  const caller = simulation.callers.authorise(request.headers)
  if ('status' in caller) return answer(reply, caller)
  const transaction = await books.find({ application: caller.application.clientId, product, id: request.params.id })
  const manner = manners.take('status', transaction?.msisdn)
  if (manner?.kind === 'hang') return reply.hijack()
  if (manner?.kind === 'answer') return answer(reply, brokenAnswer(manner.status))
  if (manner?.kind === 'token_expired') return answer(reply, unauthorised)
  if (manner?.kind === 'rate_capped' || !simulation.callCap.take(caller.application.clientId)) return answer(reply, rateCapped)
  if (manner?.kind === 'answer_late') await sleep(manner.delayMs, undefined, { signal: simulation.stopping })
  if (manner?.kind === 'not_found' || transaction === undefined) return answer(reply, envelope(notFound[product]))
  if (manner?.kind === 'ambiguous') return answer(reply, viewOf(transaction, { status: 'TA', code: ambiguous[product] }))
  const state = books.stateOf(transaction, simulation.nowMs())
  return answer(reply, viewOf(manner?.kind === 'another' ? { ...transaction, id: `${transaction.id.slice(0, -1)}x` } : transaction, state))
}

const notFound = { collection: 'DP00800001025', disbursement: 'DP00900001015' } as const
const ambiguous = { collection: 'DP00800001000', disbursement: 'DP00900001000' } as const

/** A transaction as an enquiry shows it; there is no amount in it, as there is none in Airtel's. */
function viewOf({ id, airtelMoneyId }: Transaction, { status, code }: Pick<Step, 'status' | 'code'>): Answer {
  return envelope(code, { transaction: { airtel_money_id: airtelMoneyId, id, message: status === 'TS' ? 'success' : status, status } })
}
