import type { NetworkConfig } from '@ngome/runtime'
import { z } from 'zod'
import { askSimulator } from './ask-simulator.ts'

export const cardCredentialsSchema = z.strictObject({ account: z.string(), secret: z.string() })
export type CardCredentials = z.output<typeof cardCredentialsSchema>

/** What the configuration says of them, where it says both. */
export function configuredCards({ account, secret }: NonNullable<NetworkConfig['card']>): CardCredentials | undefined {
  const text = (value: string): string => value
  return account === undefined || secret === undefined ? undefined : { account: account.expose(text), secret: secret.expose(text) }
}

/** An account at the simulator: that of before, or, where its books are gone, another. */
export async function simulatedCards(baseUrl: string, known: CardCredentials | undefined): Promise<CardCredentials> {
  if (known !== undefined) {
    const { body } = await askSimulator(baseUrl, 'GET', `/simulator/accounts/${known.account}`, {})
    if (z.object({ account: z.literal(known.account) }).safeParse(body).success) return known
  }
  const { body } = await askSimulator(baseUrl, 'POST', '/simulator/accounts', {})
  return cardCredentialsSchema.parse(body)
}
