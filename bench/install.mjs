import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/*
 * What is measured against, and what draws the report, is installed when a bench is run for the first time: nobody else
 * needs it. It has a folder of its own, for a package.json beside the benches would make them a package that knows no
 * Coatcheck; so they, and what tsc makes of them, get a link to it.
 */

const HERE = dirname(fileURLToPath(import.meta.url))
const PACKAGES = join(HERE, 'packages')
const INSTALLED = join(PACKAGES, 'node_modules')

function isUpToDate() {
  const seal = join(INSTALLED, '.package-lock.json')
  return existsSync(seal) && statSync(seal).mtimeMs >= statSync(join(PACKAGES, 'package-lock.json')).mtimeMs
}

/** Where Node has its headers, what has to be compiled needs no network. */
function headers() {
  const home = resolve(process.execPath, '../..')
  return existsSync(join(home, 'include/node/node.h')) ? { npm_config_nodedir: home } : {}
}

if (!isUpToDate()) {
  console.error('bench: installing what Coatcheck is measured against (once)')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel', 'error'], {
    cwd: PACKAGES,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...headers() },
    shell: process.platform === 'win32',
  })
  if (status !== 0) {
    console.error('bench: npm could not install it; see above')
    process.exit(1)
  }
}

for (const link of [join(HERE, 'node_modules'), resolve(HERE, '../build/bench/node_modules')]) {
  mkdirSync(dirname(link), { recursive: true })
  if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) rmSync(link)
  symlinkSync(INSTALLED, link, 'junction')
}
