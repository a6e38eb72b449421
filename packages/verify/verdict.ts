/** What a probe found, and a row says: `partial` holds as far as this deployment can, `unchecked` was not seen. */
export const statuses = ['holds', 'partial', 'fails', 'unchecked'] as const
export type Status = (typeof statuses)[number]

export type Verdict = { readonly status: Status; readonly evidence: string }

export const holds = (evidence: string): Verdict => ({ status: 'holds', evidence })
export const partial = (evidence: string): Verdict => ({ status: 'partial', evidence })
export const fails = (evidence: string): Verdict => ({ status: 'fails', evidence })
export const unchecked = (evidence: string): Verdict => ({ status: 'unchecked', evidence })

/** The status of several together: one failure fails all, and what was not seen is not kept. */
export function worst(found: readonly Status[]): Status {
  const order: readonly Status[] = ['fails', 'unchecked', 'partial']
  return order.find((status) => found.includes(status)) ?? 'holds'
}
