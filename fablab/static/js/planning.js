// The planning, with a mouse and a keyboard: point at free time, drag to choose a range, drag an
// own booking elsewhere or by its end, walk with the arrows; and the line of the present moment.
//
// The table drawn by the server is enough without this file: every free range is a link. Nothing is
// saved here either: choosing, dropping and stretching open the form, which asks the rules.
// Places are set through the CSSOM, never by a style attribute, which the page's policy forbids.
//
// Times are minutes since midnight on the place's clock. Words and addresses come from the page,
// which loads this module only when it shows a grid.

const plan = document.querySelector(".plan")
const frame = plan.querySelector(".plan__frame")
const announcer = document.getElementById("announce")
let FIRST, LAST, STEP // the hours shown and the step of the mouse, as the server last drew them
const ENOUGH_TO_DRAG = 5 // px: below it, a press is a click

// --- times and words

const clamp = (value, least, most) => Math.min(Math.max(value, least), most)
const clock = (minutes) =>
  `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`
const field = (minutes) => clock(minutes % 1440).padStart(5, "0")

function inWords(minutes) {
  const hours = Math.floor(minutes / 60)
  const rest = minutes % 60
  if (!hours) return `${rest} min`
  return rest ? `${hours} h ${String(rest).padStart(2, "0")}` : `${hours} h`
}

function say(text) {
  if (announcer) announcer.textContent = text
}

function rangeInWords({ start, end }) {
  const words = { start: clock(start), end: clock(end), length: inWords(end - start) }
  return plan.dataset.sayRange.replace(/\{(\w+)\}/g, (_, name) => words[name])
}

// --- cells and places

/** The range of a free cell or a booking, as far as the day shown goes. */
function rangeOf(cell) {
  return {
    start: Math.max(Number(cell.dataset.start), FIRST),
    end: Math.min(Number(cell.dataset.end), LAST),
  }
}

const shortest = (cell) => Number(cell.dataset.min) || STEP
const longest = (cell) => Number(cell.dataset.max) || Infinity
const bounds = (element) => element.getBoundingClientRect()

/** The minute under `x`, on the step of the clock rather than of the cell. */
function minuteAt(x, round = Math.floor) {
  const { left, width } = bounds(overlay)
  return round((FIRST + ((x - left) / width) * (LAST - FIRST)) / STEP) * STEP
}

/** Open `address` with a range filled in. */
function go(address, machine, { start, end }) {
  const url = new URL(address, location.href)
  const chosen = { machine, day: plan.dataset.day, start: field(start), end: field(end) }
  for (const [name, value] of Object.entries(chosen)) url.searchParams.set(name, value)
  location.assign(url)
}

// --- the ghost: the range aimed at, drawn over the row

const overlay = document.createElement("div")
overlay.className = "plan__overlay"
overlay.setAttribute("aria-hidden", "true")
const ghost = document.createElement("span")
frame.append(overlay)

const share = (minutes) => `${(100 * minutes) / (LAST - FIRST)}%`

function draw(cell, { start, end }, words, kind = "") {
  const row = bounds(cell.closest("tr"))
  ghost.className = `ghost ${kind}`
  ghost.textContent = words
  ghost.style.left = share(start - FIRST)
  ghost.style.width = share(end - start)
  ghost.style.top = `${row.top - bounds(frame).top + 3}px`
  ghost.style.height = `${row.height - 7}px`
  if (!ghost.isConnected) overlay.append(ghost)
}

function drawChoice(cell, range) {
  const isShort = range.end - range.start < 90 // then the hours go on two lines
  const words = [clock(range.start), clock(range.end)].join(isShort ? "–\n" : "–")
  draw(cell, range, words, isShort ? "ghost--short" : "")
}

const erase = () => ghost.remove()

// --- a press that may become a drag

let drag = null

/** Follow the pointer until it is let go: `moved(event)` as it goes, `done(isMeant)` at the end. */
function follow(press, moved, done) {
  let isUnderWay = false
  const listening = new AbortController()
  const listen = (name, heard) => addEventListener(name, heard, { signal: listening.signal })

  function stop(isMeant) {
    listening.abort()
    drag = null
    showBusy()
    plan.classList.remove("plan--dragging")
    erase()
    if (isUnderWay) swallowOneClick()
    done(isMeant && isUnderWay)
  }

  listen("pointerup", () => stop(true))
  listen("pointercancel", () => stop(false))
  listen("keydown", (event) => event.key === "Escape" && stop(false))
  drag = (event) => {
    const way = Math.hypot(event.clientX - press.clientX, event.clientY - press.clientY)
    if (!isUnderWay && way < ENOUGH_TO_DRAG) return
    isUnderWay = true
    showBusy()
    plan.classList.add("plan--dragging")
    moved(event)
  }
}

/** The click that follows a drop must not open the link; one that follows a new press may. */
function swallowOneClick() {
  const listening = new AbortController()
  const once = { capture: true, once: true, signal: listening.signal }
  addEventListener("click", (event) => event.preventDefault(), once)
  addEventListener("pointerdown", () => listening.abort(), once)
}

function choose(cell, press) {
  const free = rangeOf(cell)
  const from = clamp(minuteAt(press.clientX), free.start, free.end)
  let range = null
  follow(
    press,
    (event) => {
      const to = clamp(minuteAt(event.clientX, Math.round), free.start, free.end)
      range = grown(cell, Math.min(from, to), Math.max(from, to), to < from)
      drawChoice(cell, range)
      say(rangeInWords(range))
    },
    (isMeant) => isMeant && go(plan.dataset.newUrl, cell.dataset.machine, range),
  )
}

/** From `start` to `end`, made as long as the machine asks and no longer than it allows. */
function grown(cell, start, end, isBackwards = false) {
  const free = rangeOf(cell)
  const length = clamp(end - start, shortest(cell), longest(cell))
  if (isBackwards) {
    const last = Math.max(end, free.start + length)
    return { start: last - length, end: last }
  }
  const first = Math.max(Math.min(start, free.end - length), free.start)
  return { start: first, end: Math.min(first + length, free.end) }
}

function move(booking, press) {
  const { start, end } = rangeOf(booking)
  let goal = null
  let aimed = null
  const aim = (cell) => {
    aimed?.classList.remove("plan__aimed")
    aimed = cell?.closest("td")
    aimed?.classList.add("plan__aimed")
  }
  follow(
    press,
    (event) => {
      booking.classList.add("booking--moving")
      const shift = minuteAt(event.clientX, Math.round) - minuteAt(press.clientX, Math.round)
      const range = { start: start + shift, end: end + shift }
      const cell = cellUnder(event, booking)
      const fits = cell && stretches(cell.closest("tr"), booking).some((one) => holds(one, range))
      goal = fits ? { machine: cell.dataset.machine, range } : null
      aim(fits && cell !== booking ? cell : null)
      if (fits) drawChoice(cell, range)
      else erase()
      say(rangeInWords(range))
    },
    (isMeant) => {
      booking.classList.remove("booking--moving")
      aim(null)
      const isElsewhere = goal?.machine !== booking.dataset.machine || goal?.range.start !== start
      if (isMeant && goal && isElsewhere) go(booking.dataset.moveUrl, goal.machine, goal.range)
    },
  )
}

function cellUnder({ clientX, clientY }, booking) {
  return document
    .elementsFromPoint(clientX, clientY)
    .find((element) => element === booking || element.matches(".free[data-start]"))
}

/** The free stretches of a row, with what the booking itself leaves when it moves. */
function stretches(row, booking) {
  const cells = [...row.querySelectorAll(".free[data-start], .booking--own")].filter(
    (cell) => cell.matches(".free[data-start]") || cell === booking,
  )
  const joined = []
  for (const range of cells.map(rangeOf)) {
    const before = joined.at(-1)
    if (before && before.end === range.start) before.end = range.end
    else joined.push(range)
  }
  return joined
}

const holds = (free, range) => free.start <= range.start && range.end <= free.end

function stretch(booking, press) {
  const { start, end } = rangeOf(booking)
  const around = stretches(booking.closest("tr"), booking)
  const free = around.find((one) => holds(one, { start, end }))
  const most = Math.min(free.end, start + longest(booking))
  let range = { start, end }
  follow(
    press,
    (event) => {
      const to = minuteAt(event.clientX, Math.round)
      range = { start, end: clamp(to, start + shortest(booking), most) }
      drawChoice(booking, range)
      say(rangeInWords(range))
    },
    (isMeant) => {
      if (isMeant && range.end !== end) go(booking.dataset.moveUrl, booking.dataset.machine, range)
    },
  )
}

/** Only what begins and ends in the hours shown: a booking over midnight is moved in the form. */
function isWhole(booking) {
  return Number(booking.dataset.start) >= FIRST && Number(booking.dataset.end) <= LAST
}

/** Own bookings get a handle. Also of what live-planning.js brought since. */
function dress() {
  FIRST = Number(plan.dataset.first)
  LAST = Number(plan.dataset.last)
  STEP = Number(plan.dataset.step)
  for (const booking of plan.querySelectorAll(".booking--own[data-move-url]")) {
    if (!isWhole(booking) || booking.querySelector(".handle")) continue
    const handle = document.createElement("span")
    handle.className = "handle"
    handle.setAttribute("aria-hidden", "true")
    booking.classList.add("booking--movable")
    booking.append(handle)
  }
}

dress()
plan.addEventListener("planning:brought", () => {
  erase()
  dress()
  if ("live" in plan.dataset) advance()
})

/** While something is dragged or chosen nothing may change beneath it. */
const showBusy = () => plan.toggleAttribute("data-busy", Boolean(drag || choice))

// --- where the hours do not all fit: begin at the opening, or just before now

function beginWhereItMatters() {
  const { day, minutes } = wallNow()
  const isNow = day === plan.dataset.day && FIRST <= minutes && minutes <= LAST
  const from = isNow ? minutes - 30 : Number(plan.dataset.opens)
  plan.scrollLeft = ((from - FIRST) / (LAST - FIRST)) * bounds(overlay).width
}

// --- the mouse. A finger only taps: on a screen that scrolls, a drag is a scroll.

plan.addEventListener("pointerdown", (event) => {
  if (event.button || event.pointerType === "touch") return
  const free = event.target.closest(".free[data-start]")
  const booking = event.target.closest(".booking--movable")
  if (free) choose(free, event)
  else if (booking && event.target.closest(".handle")) stretch(booking, event)
  else if (booking) move(booking, event)
})

plan.addEventListener("pointermove", (event) => {
  if (event.pointerType === "touch") return
  if (drag) drag(event)
  else hover(event)
})

plan.addEventListener("pointerleave", () => {
  if (!drag && !choice) erase()
})

plan.addEventListener("dragstart", (event) => event.preventDefault())

function hover(event) {
  const cell = event.target.closest(".free[data-start]")
  if (choice) return
  if (!cell) return erase()
  const range = pointedAt(cell, event.clientX)
  draw(cell, range, `+ ${clock(range.start)}`, "ghost--hover")
}

/** What a click at `x` chooses: an hour from there, as far as machine and gap allow. */
function pointedAt(cell, x) {
  const free = rangeOf(cell)
  const start = clamp(minuteAt(x), free.start, free.end)
  return grown(cell, start, Math.min(start + 60, Math.max(free.end, start + shortest(cell))))
}

// The link itself stands for the whole gap: fingers, keys and a click for a new tab follow it.
plan.addEventListener("click", (event) => {
  const cell = event.target.closest(".free[data-start]")
  const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented)
  if (!cell || !isPlain || event.pointerType !== "mouse") return
  event.preventDefault()
  go(plan.dataset.newUrl, cell.dataset.machine, pointedAt(cell, event.clientX))
})

// --- the keyboard: arrows walk, Shift and an arrow choose a length, Enter books, Escape clears

let choice = null // { cell, range }

function clear() {
  choice = null
  showBusy()
  erase()
}

function lengthen(cell, isLonger) {
  const free = rangeOf(cell)
  const from = choice ? choice.range.end : free.start
  const onStep = isLonger ? Math.floor(from / STEP) : Math.ceil(from / STEP)
  const least = Math.min(free.start + shortest(cell), free.end)
  const most = Math.min(free.end, free.start + longest(cell))
  const end = clamp((onStep + (isLonger ? 1 : -1)) * STEP, least, most)
  choice = { cell, range: { start: free.start, end } }
  showBusy()
  drawChoice(cell, choice.range)
  say(`${rangeInWords(choice.range)} ${plan.dataset.sayEnter}`)
}

const links = (row) => [...row.querySelectorAll("a")]

function neighbour(link, key) {
  const row = link.closest("tr")
  const inRow = links(row)
  const at = inRow.indexOf(link)
  switch (key) {
    case "ArrowRight":
      return inRow[at + 1]
    case "ArrowLeft":
      return inRow[at - 1]
    case "Home":
      return inRow[0]
    case "End":
      return inRow.at(-1)
    case "ArrowDown":
      return nearest(link, row, 1)
    case "ArrowUp":
      return nearest(link, row, -1)
  }
}

function nearest(link, row, way) {
  const rows = [...plan.querySelectorAll("tbody tr")]
  const other = rows[rows.indexOf(row) + way]
  const from = bounds(link).left
  const distance = (candidate) => Math.abs(bounds(candidate).left - from)
  return other && links(other).sort((a, b) => distance(a) - distance(b))[0]
}

plan.addEventListener("focusin", (event) => {
  if (choice && choice.cell !== event.target) clear()
})

plan.addEventListener("keydown", (event) => {
  const link = event.target.closest("tbody a")
  if (!link || event.altKey || event.ctrlKey || event.metaKey) return
  if (act(link, event)) event.preventDefault()
})

/** True when the key meant something here. */
function act(link, { key, shiftKey }) {
  if (shiftKey) {
    if (!link.matches(".free[data-start]") || !["ArrowRight", "ArrowLeft"].includes(key)) return false
    lengthen(link, key === "ArrowRight")
    return true
  }
  if (choice && key === "Enter") {
    go(plan.dataset.newUrl, link.dataset.machine, choice.range)
    return true
  }
  if (choice && key === "Escape") {
    clear()
    say(plan.dataset.sayCleared)
    return true
  }
  const next = neighbour(link, key)
  next?.focus()
  next?.scrollIntoView({ block: "nearest", inline: "nearest" })
  return Boolean(next)
}

// --- the line of now, by the place's clock and not by the telephone's

const wallClock = new Intl.DateTimeFormat("en-CA", {
  timeZone: plan.dataset.zone,
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
})

function wallNow() {
  const parts = wallClock.formatToParts(new Date()).map(({ type, value }) => [type, value])
  const { year, month, day, hour, minute } = Object.fromEntries(parts)
  return { day: `${year}-${month}-${day}`, minutes: Number(hour) * 60 + Number(minute) }
}

function advance() {
  const line = plan.querySelector("[data-now]")
  const { day, minutes } = wallNow()
  const isShown = day === plan.dataset.day && FIRST <= minutes && minutes <= LAST
  line?.toggleAttribute("hidden", !isShown)
  if (day !== plan.dataset.day) return
  for (const time of document.querySelectorAll("[data-clock]")) time.textContent = clock(minutes)
  if (!line || !isShown) return
  const x = share(minutes - FIRST)
  line.querySelector("line").setAttribute("x1", x)
  line.querySelector("line").setAttribute("x2", x)
  line.querySelector("svg").setAttribute("x", x)
  line.querySelector("text").textContent = clock(minutes)
  plan.querySelector(".plan__past")?.setAttribute("width", x)
}

if ("live" in plan.dataset) {
  advance()
  setInterval(advance, 20_000)
  addEventListener("visibilitychange", () => document.hidden || advance())
}

beginWhereItMatters()
