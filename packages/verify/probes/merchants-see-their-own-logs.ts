import { setTimeout as sleep } from 'node:timers/promises'
import { parseApiKey, withAnotherSecret } from '@ngome/access'
import { requestPageSchema, type LoggedRequest } from '@ngome/contracts'
import type { Random, Secret } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import { NotReached, type Probe } from '../probe.ts'
import type { ProbeMerchants } from '../probe-merchant.ts'
import { fails, holds, type Verdict } from '../verdict.ts'
import { awaitAlert } from '../usage/await-alert.ts'
import { ask } from '../wire/request.ts'
import type { KeyIssuer } from './api-keys-are-unguessable.ts'

type Target = KeyIssuer & ProbeMerchants & {
  readonly gateway: Endpoint; readonly authority: string; readonly random: Random; readonly alertMsMax?: number
}

/** More than the threshold of ten. */
const attempts = 14
const logMsMax = 15_000
const alertMsMax = 30_000

export const merchantsSeeTheirOwnLogs: Probe<Target> = {
  id: 'merchants-see-their-own-logs',
  source: import.meta.filename,
  does: 'Calls as two merchants and looks for both calls in both request logs: each must see its own and not the other\'s. Then it sends requests that name a key of the first with another secret, and waits until they are in that merchant\'s log and an alert.',
  timeMsMax: 120_000,
  run: async (target) => {
    const [tried] = await target.issueKeys(1)
    const key = tried?.expose((text) => parseApiKey(text)?.id)
    if (tried === undefined || key === undefined) throw new NotReached('no key could be issued')
    const [mine, other] = [await target.merchant('first'), await target.merchant('second')]
    const marks = { mine: markOf(target.random), other: markOf(target.random) }
    await call(target, mine.apiKey, marks.mine)
    await call(target, other.apiKey, marks.other)
    return await judgeLogs(target, { mine: mine.apiKey, other: other.apiKey }, marks) ?? judgeAttempts(target, tried, key, mine.apiKey)
  },
}

async function judgeLogs(
  target: Target, keys: { readonly mine: Secret<string>; readonly other: Secret<string> }, marks: { readonly mine: string; readonly other: string },
): Promise<Verdict | undefined> {
  for (let waitedMs = 0; ; waitedMs += 1_000) {
    const [mine, others] = [await logOf(target, keys.mine), await logOf(target, keys.other)]
    const sees = (log: readonly LoggedRequest[], mark: string): boolean => log.some(({ agent }) => agent === mark)
    if (sees(mine, marks.other) || sees(others, marks.mine)) return fails('a merchant sees another\'s requests in its log')
    if (sees(mine, marks.mine) && sees(others, marks.other)) return undefined
    if (waitedMs >= (target.alertMsMax ?? logMsMax)) return fails('a merchant\'s request is not in its log')
    await sleep(Math.min(1_000, target.alertMsMax ?? 1_000))
  }
}

async function judgeAttempts(target: Target, tried: Secret<string>, key: string, reading: Secret<string>): Promise<Verdict> {
  const { gateway, authority, random } = target
  for (let count = 0; count < attempts; count++) {
    const { status } = await ask(gateway, authority, { method: 'GET', path: '/v1/payments', apiKey: withAnotherSecret(tried, random) })
    if (status !== 401) return fails(`a key with another secret was answered with ${status}`)
  }
  const withinMs = target.alertMsMax ?? alertMsMax
  const alert = await awaitAlert({ gateway, authority, apiKey: reading }, { key, kind: 'failed_authentications' }, withinMs)
  if (alert === undefined) return fails(`${attempts} failed authentications raised no alert within ${withinMs / 1_000} s`)
  const seen = (await logOf(target, reading)).filter((line) => line.key === key && line.status === 401).length
  if (seen === 0) return fails('failed authentications are not in the merchant\'s log')
  return holds(`each of two merchants sees its own requests and not the other's; ${attempts} failed authentications were an alert: ${alert.reason}`)
}

function markOf(random: Random): string {
  return `ngome-verify ${Buffer.from(random.bytes(4)).toString('hex').replaceAll(/[0-9]/g, 'x')}`
}

async function call({ gateway, authority }: Target, apiKey: Secret<string>, agent: string): Promise<void> {
  const { status } = await ask(gateway, authority, { method: 'GET', path: '/v1/payments', apiKey, headers: { 'user-agent': agent } })
  if (status !== 200) throw new NotReached(`a call is answered with ${status}`)
}

async function logOf({ gateway, authority }: Target, apiKey: Secret<string>): Promise<readonly LoggedRequest[]> {
  const answer = await ask(gateway, authority, { method: 'GET', path: '/v1/requests?limit=100', apiKey })
  const page = answer.status === 200 ? requestPageSchema.safeParse(JSON.parse(answer.text)) : undefined
  if (page?.success !== true) throw new NotReached(`the request log is answered with ${answer.status}`)
  return page.data.data
}
