import type { Config } from '@ngome/runtime'
import type { Handlers } from '../http/call.ts'
import type { GatewaySecrets } from '../keys/custodian-secrets.ts'
import { cancelCheckoutSession } from './cancel-checkout-session.ts'
import { createCheckoutSession, type CreateCheckoutSessionPorts } from './create-checkout-session.ts'
import { getCheckoutSession } from './get-checkout-session.ts'

/** Gives each operation of payment links its handler. */
export function checkoutHandlers(
  { config, secrets }: { readonly config: Pick<Config, 'gateway' | 'networks'>; readonly secrets: GatewaySecrets },
  writing: Pick<CreateCheckoutSessionPorts, 'database' | 'clock' | 'random' | 'idempotencySecret'>,
): Pick<Handlers, 'createCheckoutSession' | 'getCheckoutSession' | 'cancelCheckoutSession'> {
  const making = { ...writing, networks: config.networks, origin: config.gateway.checkoutOrigin, linkSecret: secrets.callback }
  return {
    createCheckoutSession: (call) => createCheckoutSession(making, call),
    getCheckoutSession: (call) => getCheckoutSession(writing, call),
    cancelCheckoutSession: (call) => cancelCheckoutSession(writing, call),
  }
}
