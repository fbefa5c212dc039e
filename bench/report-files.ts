import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { pageOf } from './page/page-html.js'
import type { Run } from './results/run.js'

/** From the folder of what tsc has made back to that of the sources. */
const BENCH = fileURLToPath(new URL('../../bench', import.meta.url))
/** Where reports are written. */
export const REPORT = join(BENCH, 'report')

/** Writes the report of a run; resolves to its files. */
export async function writeReport(run: Run): Promise<string[]> {
  mkdirSync(REPORT, { recursive: true })
  const parts = { style: readFileSync(join(BENCH, 'page/style.css'), 'utf8'), script: await pageScript() }
  const files = [
    [join(REPORT, 'results.json'), `${JSON.stringify(run, null, 1)}\n`],
    [join(REPORT, 'index.html'), await pageOf(run, parts)],
  ] as const
  for (const [file, content] of files) writeFileSync(file, content)
  return files.map(([file]) => relative(process.cwd(), file))
}

/** The charts' library and what calls it, in one piece: a report is one file. */
async function pageScript(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(BENCH, 'page/page.ts')],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'warning',
  })
  return outputFiles[0]?.text ?? ''
}
