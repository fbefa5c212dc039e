import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, type Page } from 'playwright-core'
import { REPORT } from './report-files.js'

const BROWSERS = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]
/** Pixels: a phone, a screen. */
const WIDTHS = [360, 1280]
const SCHEMES = ['light', 'dark'] as const

/**
 * Shows the last report to a browser, on a phone and on a screen, by day and by night, and keeps pictures of it.
 * @returns what is wrong with it: errors, charts that are empty, parts that are wider than the page
 * @throws {Error} when there is no report, or no browser
 */
export async function lookAtReport(): Promise<{ readonly pictures: string[]; readonly wrong: string[] }> {
  const file = join(REPORT, 'index.html')
  if (!existsSync(file)) throw new Error('there is no report yet: npm run bench -- --quick makes one')
  const executablePath = BROWSERS.find((path) => path !== undefined && existsSync(path))
  if (executablePath === undefined)
    throw new Error('there is no Chromium; on Debian: apt install chromium, elsewhere: CHROMIUM=/path/to/it')
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  const pictures: string[] = []
  const wrong: string[] = []
  try {
    for (const width of WIDTHS)
      for (const colorScheme of SCHEMES) {
        const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme })
        const told = (problem: string): void => void wrong.push(`${width} pixels, ${colorScheme}: ${problem}`)
        page.on('pageerror', (error) => told(error.message))
        page.on('console', (message) => {
          if (message.type() === 'error') told(message.text())
        })
        await page.goto(pathToFileURL(file).href)
        for (const problem of await problemsOf(page)) told(problem)
        const picture = join(REPORT, `look-${width}-${colorScheme}.png`)
        await page.screenshot({ path: picture, fullPage: true })
        pictures.push(relative(process.cwd(), picture))
        await page.close()
      }
  } finally {
    await browser.close()
  }
  return { pictures, wrong }
}

/** Evaluated as text: what runs in a page is none of this program's types. */
const PROBLEMS = `(() => {
  const problems = []
  const { scrollWidth, clientWidth } = document.documentElement
  if (scrollWidth > clientWidth) problems.push('the page is ' + scrollWidth + ' pixels wide')
  const charts = [...document.querySelectorAll('[data-chart]')]
  if (charts.length === 0) problems.push('there are no charts')
  for (const chart of charts) {
    const name = chart.dataset.chart + ' ' + chart.dataset.measure
    if (chart.querySelectorAll('svg path').length < 3) problems.push('chart ' + name + ' is empty')
    const right = chart.getBoundingClientRect().right
    for (const text of chart.querySelectorAll('svg text'))
      if (text.getBoundingClientRect().right > right + 1)
        problems.push('chart ' + name + ': ' + JSON.stringify(text.textContent) + ' is cut off')
  }
  return problems
})()`

async function problemsOf(page: Page): Promise<string[]> {
  return (await page.evaluate(PROBLEMS)) as string[]
}
