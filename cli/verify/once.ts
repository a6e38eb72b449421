/** Runs the work at the first call and answers every call with its one result; `begun` has it without beginning it. */
export function once<T>(work: () => Promise<T>): (() => Promise<T>) & { readonly begun: () => Promise<T> | undefined } {
  let running: Promise<T> | undefined
  return Object.assign(() => (running ??= work()), { begun: () => running })
}
