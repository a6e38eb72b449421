import { X509Certificate } from 'node:crypto'
import { Agent } from 'node:https'
import type { ProcessRole } from '@ngome/kernel'
import { parseCertificateRole, type Identity } from '@ngome/runtime'

/** An agent for calls to one process. The role in the certificate proves who answers; the host name proves nothing. */
export function processAgent(identity: Identity, role: ProcessRole): Agent {
  return new Agent({
    ...identity.secureContext(),
    checkServerIdentity: (_host, { raw }) => (
      parseCertificateRole(new X509Certificate(raw)) === role ? undefined : new Error(`who answers is not the ${role}`)
    ),
  })
}
