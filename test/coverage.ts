import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/*
 * Runs all tests under V8's coverage, the worker threads and child processes included, prints the files that are not reached
 * whole and a table of areas, and fails where an area is below its limit. With filters, as `run.js` takes them, the table is
 * only printed: a part of the tests reaches a part of the code.
 */

/*
 * A hundred percent was reached of each area, but V8 merges what was run equally often, and what depends on the moment may be missed
 * once: so a limit is a little less.
 */

interface Area {
  readonly name: string
  /** A folder. A file is of the first area whose folder it is in. */
  readonly folder: string
  /** Percent of its branches that are to be reached. */
  readonly least: number
  readonly because: string
}

const AREAS: readonly Area[] = [
  {
    name: 'engine',
    folder: 'src/engine',
    least: 99,
    because: 'a branch of the way of a save that no test takes is a promise that nobody has looked at',
  },
  {
    name: 'protocol',
    folder: 'workers/protocol',
    least: 99,
    because: 'both sides of every batch rest on it',
  },
  {
    name: 'record',
    folder: 'workers/record',
    least: 99,
    because: 'what it takes for a record is given to a request as its session',
  },
  {
    name: 'seal',
    folder: 'workers/seal',
    least: 99,
    because: 'what it gets wrong is a secret told, or a session that no key opens',
  },
  {
    name: 'journal',
    folder: 'workers/files/journal',
    least: 95,
    because: 'some of its guards are against what only another program or another system does',
  },
  {
    name: 'files storage',
    folder: 'workers/files',
    least: 95,
    because: 'some of its branches are for Windows, or for races that come when they will',
  },
  {
    name: 'redis storage',
    folder: 'workers/redis',
    least: 90,
    because: 'some of it is for proxies and for moments in which several servers change at once',
  },
  {
    name: 'copy',
    folder: 'src/copy',
    least: 90,
    because: 'some of its fifty branches are for sessions that go while they are copied',
  },
]

interface Counted {
  readonly total: number
  readonly covered: number
}

/** What c8 sums up of a file. */
interface FileSummary {
  readonly branches: Counted
  readonly functions: Counted
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const runner = fileURLToPath(new URL('run.js', import.meta.url))
const c8 = join(dirname(createRequire(import.meta.url).resolve('c8/package.json')), 'bin', 'c8.js')

/** Runs the tests; what c8 tells of each file, by its path from the root. */
function measure(filters: readonly string[], folder: string): ReadonlyMap<string, FileSummary> {
  const options = [
    '--all=false',
    '--exclude-after-remap=false',
    // One file after the other: hundreds of processes and threads write one each.
    '--merge-async',
    ...AREAS.flatMap((area) => ['--include', `dist/${area.folder}/**`]),
    ...['--reporter', 'text', '--skip-full', '--reporter', 'json-summary'],
    ...['--reports-dir', folder, '--temp-directory', join(folder, 'raw')],
  ]
  const command = [c8, ...options, process.execPath, runner, ...filters]
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
  const { total: _, ...files } = JSON.parse(
    readFileSync(join(folder, 'coverage-summary.json'), 'utf8'),
  ) as Record<string, FileSummary>
  return new Map(Object.entries(files).map(([path, summary]) => [relative(root, path), summary]))
}

/** A function that is never called counts as a branch that is not reached: those within it V8 does not tell. */
function branchesOf({ branches, functions }: FileSummary): Counted {
  return { total: branches.total + functions.total - functions.covered, covered: branches.covered }
}

function sum(counts: readonly Counted[]): Counted {
  return {
    total: counts.reduce((total, one) => total + one.total, 0),
    covered: counts.reduce((covered, one) => covered + one.covered, 0),
  }
}

function areaOf(path: string): Area | undefined {
  return AREAS.find(({ folder }) => path.startsWith(`${folder}/`))
}

/** Modules of an area that no test has loaded: nothing of them is counted. What holds nothing but types nobody loads. */
function unloaded(area: Area, files: ReadonlyMap<string, FileSummary>): string[] {
  return readdirSync(join(root, 'dist', area.folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(area.folder, name))
    .filter((path) => {
      const source = path.replace(/js$/, 'ts')
      return areaOf(source) === area && !files.has(source) && !holdsTypesOnly(path)
    })
}

function holdsTypesOnly(path: string): boolean {
  const code = readFileSync(join(root, 'dist', path), 'utf8').replace(/^\/\/# .*$/m, '')
  return code.trim() === 'export {};'
}

/** Prints a line of the table; whether the area is what it has to be. One that was not measured at all is not. */
function judge(area: Area, files: ReadonlyMap<string, FileSummary>): boolean {
  const { total, covered } = sum(
    [...files].filter(([path]) => areaOf(path) === area).map(([, summary]) => branchesOf(summary)),
  )
  const percent = (100 * covered) / total
  const reached = percent >= area.least
  // Never rounded up: 99.996 % is not all.
  const shown = total === 0 ? '-' : (Math.floor(percent * 100) / 100).toFixed(2)
  const limit = `${reached ? 'of' : 'BELOW'} ${area.least}: ${area.because}`
  console.log(
    `${area.name.padEnd(15)} ${shown.padStart(6)} % ${`${covered}/${total}`.padStart(10)}  ${limit}`,
  )
  return reached
}

const filters = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'coatcheck-coverage-'))
try {
  const files = measure(filters, folder)
  console.log('\nBranches that are reached, by area')
  const verdicts = AREAS.map((area) => judge(area, files))
  const missing = filters.length === 0 ? AREAS.flatMap((area) => unloaded(area, files)) : []
  for (const path of missing) console.log(`no test loads ${path}`)
  if (filters.length === 0 && (verdicts.includes(false) || missing.length > 0)) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
