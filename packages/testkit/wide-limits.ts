const wide = '1000000'

/** Environment of a platform whose limits nothing reaches that is not about limits: floods, benchmarks, kill loops. */
export const wideLimits: Readonly<Record<string, string>> = Object.fromEntries(
  ['TEST__KEY', 'TEST__MERCHANT', 'TEST__ROUTE', 'ADDRESS'].flatMap((name) => [
    [`NGOME_LIMITS__${name}__RATE_PER_S`, wide], [`NGOME_LIMITS__${name}__BURST`, wide],
  ]),
)
