import { forwardAnswerLifeMs, type ForwardView } from '@ngome/contracts'
import type { Secret } from '@ngome/kernel'
import type { ForwardRow } from '@ngome/store'
import { readAnswer } from './read-answer.ts'

/** A forward as its merchant sees it; an answer whose hour is over is gone, whether or not the job came by. */
export function forwardView(row: ForwardRow, secret: Secret<Uint8Array>, nowMs: number): ForwardView {
  const { id, tenant, status, failure, answer, createdAtMs, endedAtMs } = row
  const isKept = answer !== null && endedAtMs !== null && nowMs < endedAtMs + forwardAnswerLifeMs
  return {
    id,
    object: 'forward',
    world: tenant.world,
    status,
    failure: failure === null ? null : { code: failure },
    answer: isKept ? readAnswer(secret, tenant, id, answer) : null,
    created_at: new Date(createdAtMs).toISOString(),
    ended_at: endedAtMs === null ? null : new Date(endedAtMs).toISOString(),
  }
}
