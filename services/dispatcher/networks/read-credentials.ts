import { readFileSync, statSync } from 'node:fs'
import { Fault, parseStrictJson, Secret } from '@ngome/kernel'
import { z } from 'zod'
import type { AirtelMoneyCredentials } from '../connectors/airtel-money/settings.ts'
import type { CardAcquirerCredentials } from '../connectors/card-acquirer/settings.ts'
import type { MtnMomoCredentials } from '../connectors/mtn-momo/connect-mtn-momo.ts'

const secret = z.string().min(1).max(256).transform((text) => new Secret(text))
const product = { apiUser: secret, apiKey: secret, subscriptionKey: secret }
const mtnMomo = z.strictObject({ ...product, disbursement: z.strictObject(product).optional() })
/** A key of 8192 bits, in base64 of DER. */
const publicKey = z.string().min(1).max(2048).transform((text) => new Secret(text))
const airtelMoney = z.strictObject({
  clientId: secret, clientSecret: secret, callbackKey: secret.optional(), pin: secret.optional(), pinKey: publicKey.optional(),
})
const cardAcquirer = z.strictObject({ account: secret, secret })
const providersSchema = z.record(z.string(), z.union([mtnMomo, airtelMoney, cardAcquirer]))

/** Of whichever connector: each takes its own, and says what it misses. */
export type NetworkCredentials = Partial<MtnMomoCredentials & AirtelMoneyCredentials & CardAcquirerCredentials>

const bounds = { depthMax: 3, nodesMax: 512 }
/** Bits that let others than the owner read or write. */
const othersMask = 0o077

/**
 * Reads the payment networks' credentials, by the network's name, from a file that only this process may read.
 * @returns none where there is no file
 * @throws Fault `config/invalid`
 */
export function readCredentials(path: string): ReadonlyMap<string, NetworkCredentials> {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status === undefined) return new Map()
  if ((status.mode & othersMask) !== 0) throw new Fault('config/invalid', `${path} must be readable by its owner only (0600)`)
  const json = parseStrictJson(readFileSync(path), bounds)
  const parsed = providersSchema.safeParse(json.ok ? json.value : undefined)
  // Without the parser's own message, which might quote what it did not like.
  if (!parsed.success) throw new Fault('config/invalid', `${path} must hold {"network": {"apiUser", "apiKey", "subscriptionKey"}}, of Airtel's {"clientId", "clientSecret", …}, or of a card acquirer's {"account", "secret"}`)
  return new Map(Object.entries(parsed.data))
}
