import { html, raw } from 'hono/html'
import { figure } from '../harness/figures.js'
import { spreadOf } from '../harness/spread.js'
import { MEASURES, type MeasureName } from '../results/measures.js'
import type { Group, Line, SectionResult } from '../results/result.js'
import type { Run } from '../results/run.js'
import { slopesOf } from '../results/slopes.js'
import { type Target, verdict } from '../results/target.js'

/** What the page is made of besides the run. */
export interface PageParts {
  readonly style: string
  readonly script: string
}

type Html = ReturnType<typeof html>

/** A page that needs nothing else: no network, no other file. */
export async function pageOf(run: Run, { style, script }: PageParts): Promise<string> {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Coatcheck: benchmark</title>
<style>${raw(style)}</style>
</head>
<body>
<header>
<h1>Coatcheck: benchmark</h1>
<p class="faint">${run.at.slice(0, 16).replace('T', ' ')} UTC · ${run.machine} · ${run.seconds} s · again: <code>${run.command}</code></p>
${run.quick ? html`<p class="missed">A quick run: for a look, not for figures.</p>` : ''}
${run.warnings.map((warning) => html`<p class="faint">${warning}</p>`)}
<p>Medians over interleaved rounds, in brackets least and most. “Loop” is the event-loop active time of the main thread: what the rest of the server has to do without. Each contestant is a process of its own.</p>
<details><summary>Places, versions, seed</summary>
<ul>${run.places.map((place) => html`<li>${place}</li>`)}</ul>
<p>${Object.entries(run.versions).map(([name, version]) => html`${name} ${version} · `)}seed ${run.seed}</p>
</details>
<nav aria-label="Sections"><ul>${run.sections.map(({ name, title }) => html`<li><a href="#${name}">${title}</a></li>`)}</ul></nav>
</header>
<main>
${run.sections.map(sectionHtml)}
</main>
<script type="application/json" id="run">${raw(JSON.stringify(run).replaceAll('<', '\\u003c'))}</script>
<script>${raw(script.replaceAll('</script', '<\\/script'))}</script>
</body>
</html>
`
  return (await page).toString()
}

function sectionHtml(section: SectionResult, index: number): Html {
  const taken = section.targets.filter(({ measured }) => measured !== undefined)
  return html`<section id="${section.name}">
<h2>${section.title}</h2>
${section.about.map((line) => html`<p>${line}</p>`)}
<p class="faint">Again: <code>${section.command}</code></p>
${section.missing.map((line) => html`<p class="faint">${line}</p>`)}
${section.groups.map((group, at) => groupHtml(group, `${index}.${at}`))}
${factsHtml(section)}
${taken.length === 0 ? '' : html`<h3>Goals, for 2 processors</h3>${targetsHtml(taken)}`}
</section>
`
}

function groupHtml(group: Group, at: string): Html {
  const { title, charts, lines, measures } = group
  const told = measures.filter((name) => lines.some(({ figures }) => figures[name] !== undefined))
  const slopes = slopesOf(group)
  return html`<h3>${title}</h3>
<div class="charts">${charts.map(
    (name) => html`<figure>
<figcaption>${capitalised(MEASURES[name].meaning)}${MEASURES[name].better === 'more' ? ' (more is better)' : ' (less is better)'}</figcaption>
<div data-chart="${at}" data-measure="${name}" role="img" aria-label="${title}: ${MEASURES[name].meaning}; the figures stand in the table"></div>
</figure>`,
  )}</div>
${slopes.map((line) => html`<p class="faint">${line}</p>`)}
${tableHtml(group, told)}`
}

function tableHtml({ lines, axis }: Group, told: readonly MeasureName[]): Html {
  const promises = lines.some(({ survives }) => survives !== undefined)
  return html`<div class="wide" tabindex="0" role="region" aria-label="figures"><table>
<thead><tr><th scope="col">${axis?.title ?? ''}</th>${told.map(
    (name) => html`<th scope="col" title="${MEASURES[name].meaning}">${MEASURES[name].title}</th>`,
  )}${promises ? html`<th scope="col">survives</th><th scope="col">shared by</th>` : ''}</tr></thead>
<tbody>${lines.map(
    (
      line,
    ) => html`<tr><th scope="row"${raw(line.label.startsWith('coatcheck') ? ' class="ours"' : '')}>${line.label}</th>${told.map(
      (name) => html`<td>${cellHtml(line, name)}</td>`,
    )}${promises ? html`<td class="words">${line.survives ?? ''}</td><td class="words">${line.sharedBy ?? ''}</td>` : ''}</tr>
`,
  )}</tbody></table></div>`
}

function cellHtml({ figures }: Line, name: MeasureName): Html | string {
  const spread = spreadOf(figures[name] ?? [])
  if (spread === undefined) return '–'
  if (!MEASURES[name].spread) return figure(spread.median)
  return html`${figure(spread.median)} <span class="spread">(${figure(spread.least)}–${figure(spread.most)})</span>`
}

function factsHtml({ facts = [] }: SectionResult): Html | string {
  if (facts.length === 0) return ''
  return html`<div class="wide"><table><tbody>${facts.map(
    ({ name, value, unit }) => html`<tr><th scope="row">${name}</th><td>${figure(value)} ${unit}</td></tr>`,
  )}</tbody></table></div>`
}

function targetsHtml(targets: readonly Target[]): Html {
  return html`<div class="wide"><table>
<thead><tr><th scope="col">goal</th><th scope="col">measured</th><th scope="col">goal</th><th scope="col"></th></tr></thead>
<tbody>${targets.map((target) => {
    const { name, goal, measured } = target
    const reached = verdict(target)
    return html`<tr><th scope="row">${name}</th><td>${figure(measured?.median ?? 0)} <span class="spread">(${figure(measured?.least ?? 0)}–${figure(measured?.most ?? 0)})</span></td><td>${'least' in goal ? `≥ ${figure(goal.least)}` : `≤ ${figure(goal.most)}`}</td><td class="${reached === 'missed' ? 'missed' : ''}">${reached}</td></tr>`
  })}</tbody></table></div>`
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
