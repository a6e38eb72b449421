import type { Secret } from '@ngome/kernel'
import type { NetworkConfig } from '@ngome/runtime'
import { z } from 'zod'
import { askSimulator } from './ask-simulator.ts'

export const airtelCredentialsSchema = z.strictObject({
  clientId: z.string(), clientSecret: z.string(), callbackKey: z.string().optional(), pin: z.string().optional(), pinKey: z.string().optional(),
})
export type AirtelCredentials = z.output<typeof airtelCredentialsSchema>

/** What the configuration says of them, where it says the two without which there is nothing. */
export function configuredAirtel(airtel: NonNullable<NetworkConfig['airtel']>): AirtelCredentials | undefined {
  const { clientId, clientSecret, callbackKey, pin, pinKey } = airtel
  if (clientId === undefined || clientSecret === undefined) return undefined
  return {
    clientId: textOf(clientId), clientSecret: textOf(clientSecret),
    ...(callbackKey === undefined ? {} : { callbackKey: textOf(callbackKey) }),
    ...(pin === undefined ? {} : { pin: textOf(pin) }),
    ...(pinKey === undefined ? {} : { pinKey: textOf(pinKey) }),
  }
}

/** An application at the simulator: that of before, or, where its books are gone, another. */
export async function simulatedAirtel(baseUrl: string, country: string, known: AirtelCredentials | undefined): Promise<AirtelCredentials> {
  if (known !== undefined) {
    const { body } = await askSimulator(baseUrl, 'GET', `/simulator/applications/${known.clientId}`, {})
    const application = z.object({ country: z.string() }).safeParse(body)
    if (application.data?.country === country) return known
  }
  const { body } = await askSimulator(baseUrl, 'POST', '/simulator/applications', {}, { country })
  return airtelCredentialsSchema.parse(body)
}

function textOf(secret: Secret<string>): string {
  return secret.expose((text) => text)
}
