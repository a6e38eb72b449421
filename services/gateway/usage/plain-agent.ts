import { agentLengthMax } from './bounds.ts'

/** Our keys, secrets and tokens, bearer credentials, JWTs and long numbers: an agent that carries one says it by mistake. */
const secrets = /(?:ngome|whsec)_\S+|ey[a-z0-9_-]{6,}\.\S+|(?:tok|fpr|pay|cus)_[0-9a-z]{8,}\S*|bearer\s+\S+|[0-9a-f]{24,}|\+?[0-9][0-9 ()._-]{5,}[0-9]/gi

/** What is kept of a `User-Agent`: printable, short, and without what looks like a secret or a number of a person. */
export function plainAgent(agent: string | undefined): string | null {
  if (agent === undefined) return null
  const plain = agent.replace(/[^\x20-\x7e]/g, '').replace(secrets, '[redacted]').slice(0, agentLengthMax).trim()
  return plain === '' ? null : plain
}
