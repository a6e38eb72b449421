import { challengeHeader, custodianOperations, type CustodianPath } from '@ngome/contracts'
import { processRoles } from '@ngome/kernel'
import {
  attemptForbiddenConnection, authoritiesHeader, enrolmentServer, internalServer, parseCertificateRole, type InternalCall,
  type InternalCallHead, type InternalServerOptions,
} from '@ngome/runtime'
import type { Custodian } from '../custodian.ts'
import { selfTestRootKey } from '../root-keys/self-test-root-key.ts'
import { rootKeyProblem } from '../root-keys/watch-root-key.ts'
import { acceptPeer, refusePeer } from './accept-peer.ts'
import { admitCall, answerCall, type Call } from './answer-call.ts'
import { anonymous } from './caller.ts'

export type Listening = {
  readonly port: number
  readonly enrolmentPort: number
  close(): Promise<void>
}

/**
 * Listens on two ports: one where every client must show a certificate, and one that asks for none and knows only
 * `/v1/enrol`. Apart, neither needs a rule "only here without a certificate" that a mistake could widen.
 */
export async function listen(
  custodian: Custodian,
  options: Pick<InternalServerOptions, 'identity' | 'host' | 'port' | 'logger' | 'metrics'> & {
    readonly enrolmentPort: number
  },
): Promise<Listening> {
  const answerHeader = (): readonly [string, string] => [authoritiesHeader, custodian.authority.mark]
  const base = { ...options, answerHeader, clock: custodian.clock, random: custodian.random }
  const server = await internalServer({
    ...base,
    routes: routes(custodian),
    acceptsPeer: (certificate) => acceptPeer(custodian, {
      serial: certificate.serialNumber.toLowerCase(), role: parseCertificateRole(certificate),
    }),
    onExpiredPeer: (peer) => refusePeer(custodian, peer ?? anonymous, 'certificate_expired'),
    onUnknownPath: async (head) => void await admitCall(custodian, callOf(head)),
    readiness: {
      store: async () => (await custodian.store.get('SELECT 1') === undefined ? 'no store' : null),
      'root-key': () => rootKeyProblem(custodian.root),
    },
    selfTests: {
      egress: ({ port }) => port === undefined ? { outcome: 'not_attempted' } : attemptForbiddenConnection(port),
      'root-key': () => selfTestRootKey(custodian.root),
    },
  })
  const enrolment = await enrolmentServer({
    ...base,
    port: options.enrolmentPort,
    handle: (body) => answerCall(custodian, { peer: null, path: '/v1/enrol' }, body),
    onUnknownPath: async (path) => void await admitCall(custodian, { peer: null, path }),
  })
  return {
    port: server.port,
    enrolmentPort: enrolment.port,
    close: async () => void await Promise.all([server.close(), enrolment.close()]),
  }
}

/** Every role may knock at every operation: the refusal is ours to give, to record and to sign. */
function routes(custodian: Custodian): NonNullable<InternalServerOptions['routes']> {
  return (Object.keys(custodianOperations) as CustodianPath[]).map((path) => ({
    method: 'POST',
    path,
    callers: processRoles,
    admit: async (head: InternalCallHead) => void await admitCall(custodian, callOf({ ...head, path })),
    handle: (call: InternalCall) => answerCall(custodian, callOf({ ...call, path }), call.body),
  }))
}

function callOf(
  { caller, serial, path, header }: Pick<InternalCallHead, 'caller' | 'serial' | 'path' | 'header'>,
): Call {
  return { peer: { role: caller, serial }, path, challenge: header(challengeHeader) }
}
