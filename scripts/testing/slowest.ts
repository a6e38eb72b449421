export type TimeTaken = { readonly file: string; readonly lane: string; readonly tookMs: number }

const shownMax = 10

/** @returns what each lane took, and the slowest files, a line each: where to look when a run grows long */
export function slowest(took: readonly TimeTaken[]): string {
  const lanes = Object.entries(Object.groupBy(took, ({ lane }) => lane))
    .map(([lane, files = []]) => `${lane} ${seconds(files.reduce((sum, { tookMs }) => sum + tookMs, 0))}`)
  const files = took.toSorted((a, b) => b.tookMs - a.tookMs).slice(0, shownMax)
  return [
    `the slowest of ${took.length} files (by lane: ${lanes.join(', ')})`,
    ...files.map(({ file, lane, tookMs }) => `  ${seconds(tookMs).padStart(7)}  ${lane.padEnd(8)}  ${file}`),
  ].join('\n')
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
