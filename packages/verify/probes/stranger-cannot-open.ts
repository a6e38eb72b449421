import type { CustodianView } from '../custodian/custodian-view.ts'
import type { Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'
import { addressOf } from '../wire/endpoint.ts'
import { exchangeTls, statusOf } from '../wire/exchange.ts'
import { requestBytes } from '../wire/request.ts'

type Target = { readonly authority: string; readonly custodian: Pick<CustodianView, 'endpoint'> }

/** Every path of the custodian that hands out something; none may answer somebody without a certificate. */
const paths = ['/v1/open', '/v1/index', '/v1/secrets', '/v1/openings', '/v1/merchant-keys', '/v1/renew'] as const

export const strangerCannotOpen: Probe<Target> = {
  id: 'stranger-cannot-open',
  source: import.meta.filename,
  does: 'Calls the custodian without a client certificate. No path may give an HTTP answer: the handshake itself must fail.',
  run: async ({ authority, custodian: { endpoint } }) => {
    for (const path of paths) {
      const answer = await exchangeTls(endpoint, authority, requestBytes({ method: 'POST', path, body: {} }))
      const status = statusOf(answer)
      if (status !== undefined) return fails(`${addressOf(endpoint)} answers ${path} with ${status} to a client without a certificate`)
      if (!answer.isClosed) return fails(`${addressOf(endpoint)} keeps a connection without a certificate open`)
    }
    return holds(`${paths.length} paths closed to a client without a certificate`)
  },
}
