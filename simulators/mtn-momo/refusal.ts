/** An answer that is not what was asked for, in MTN's words. */
export type Refusal = { readonly status: number; readonly body: Readonly<Record<string, unknown>> }

export function refusal(status: number, code: string, message: string): Refusal {
  return { status, body: { code, message } }
}
