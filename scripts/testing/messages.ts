/** What one file's process tells the runner. */
export type FileMessage =
  | ({ readonly kind: 'skip' } & Told)
  | ({ readonly kind: 'fail' } & Told)
  | { readonly kind: 'coverage'; readonly files: readonly FileCoverage[] }
  | ({ readonly kind: 'summary' } & Counts)

/** A test by its name, and why it failed or did not run. */
export type Told = { readonly name: string; readonly reason: string }

export type FileCoverage = {
  readonly path: string
  readonly lines: readonly { readonly line: number; readonly count: number }[]
}

export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number }
