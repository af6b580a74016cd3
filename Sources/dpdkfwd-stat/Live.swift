internal import Glibc
internal import Inspection
internal import JSONText
internal import Segment

/// The live view at work: reads each record once an interval and shows what changed, whichever run of the forwarder
/// lives.
struct Live {
  private var following: Following
  private var past: Past
  private var last: Figures?
  private var pace: Pace
  private var notes: [String] = []
  private var wasLive = true
  private var order = LiveView.Order.name
  private let blocks: [Character]

  init(_ options: Options, _ pace: Pace) throws(SegmentError) {
    following = try Following(options)
    past = Past(following.reader)
    self.pace = pace
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment($0) }.first ?? ""
    blocks = locale.uppercased().contains("UTF") ? LiveView.unicodeBlocks : LiveView.asciiBlocks
  }

  // MARK: A reading

  /// Reads once, and says what there is to say beside numbers.
  private mutating func look() throws(SegmentError) -> (view: LiveView, heading: Heading, news: [String]) {
    var news: [String] = []
    if try following.renew() {
      news.append("another run of the forwarder has started, pid \(following.reader.info.pid): its counters begin anew")
      past = Past(following.reader)
      last = nil
      wasLive = true
    }
    let heading = try Heading(following.reader)
    if !heading.isLive, wasLive {
      news.append("the forwarder has ended (\(heading.state.rawValue)); these are its last numbers")
    }
    wasLive = heading.isLive
    let old: Figures
    if let last {
      old = last
    } else {
      // A rate takes two readings: the first view comes after a short look.
      old = try Figures(following.reader, at: Clock.monotonic())
      if heading.isLive { usleep(UInt32(min(pace.interval, 0.2) * 1e6)) }
    }
    let figures = try Figures(following.reader, at: Clock.monotonic())
    news += past.catchUp()
    last = figures
    notes += news
    notes.removeFirst(max(0, notes.count - 3))
    var view = LiveView(heading: heading.line, rates: Rates(from: old, to: figures))
    view.ports = past.ports
    view.lcores = past.lcores
    view.pools = past.pools
    view.notes = notes
    view.blocks = blocks
    return (view, heading, news)
  }

  // MARK: On a screen

  /// Shows a full screen until a key or a signal ends it; `false` without a terminal.
  mutating func onScreen() throws(SegmentError) -> Bool {
    guard let terminal = Terminal() else { return false }
    var readings = 0
    while true {
      var view = try look().view
      readings += 1
      let due = Clock.monotonic() + pace.nanoseconds
      while true {
        view.order = order
        view.interval = pace.interval
        let size = terminal.size
        terminal.paint(view.lines(columns: size.columns, rows: size.rows))
        if let count = pace.count, readings >= count { return true }
        let now = Clock.monotonic()
        guard now < due else { break }
        switch terminal.wait(due - now) {
        case .ended, .key("q"), .key("Q"), .key("\u{3}"): return true
        case .key("+"), .key("="): pace.slower()
        case .key("-"): pace.quicker()
        case .key(let key): order = LiveView.Order(rawValue: key) ?? order
        case .resized, .quiet: break
        }
      }
    }
  }

  // MARK: In lines

  /// Prints a line for each reading.
  mutating func inLines(json: Bool) throws(SegmentError) {
    var readings = 0
    while true {
      let (view, heading, news) = try look()
      readings += 1
      if json {
        writeAll(STDOUT_FILENO, Self.json(view, heading, news).line + "\n")
      } else {
        let remarks = news.map { "* \($0)\n" }.joined()
        writeAll(STDOUT_FILENO, remarks + "\(clockTime(Clock.wall())) \(heading.state.rawValue)  \(view.totals)\n")
      }
      if let count = pace.count, readings >= count { return }
      usleep(UInt32(pace.interval * 1e6))
    }
  }

  private static func json(_ view: LiveView, _ heading: Heading, _ news: [String]) -> JSON {
    func flow(_ name: String, _ flow: Rates.Flow) -> [(String, JSON)] {
      [("\(name)_pps", .real(flow.packets)), ("\(name)_bps", .real(flow.bits))]
    }
    let rates = view.rates
    return .object(
      heading.members + [("news", .array(news.map { .text($0) }))] + flow("rx", rates.received)
        + flow("tx", rates.sent) + [
          ("dropped_pps", .real(rates.dropped)), ("busy", rates.busy.map { .real($0) } ?? .null),
          (
            "ports",
            .array(
              rates.ports.map {
                .object([("name", .text($0.figures.name))] + flow("rx", $0.received) + flow("tx", $0.sent))
              })
          ),
          (
            "lcores",
            .array(
              rates.lcores.map {
                .object(
                  [("lcore", .unsigned($0.figures.lcore)), ("busy", $0.busy.map { .real($0) } ?? .null)]
                    + flow("rx", $0.received) + flow("tx", $0.sent) + [("dropped_pps", .real($0.dropped))])
              })
          ),
          ("drops", .object(rates.drops.map { ($0.reason, .real($0.rate)) })),
          ("mempools", .object(rates.pools.map { ($0.name, .unsigned($0.inUse)) })),
        ])
  }
}

extension Pace {
  mutating func slower() { interval = min(60, interval * 2) }
  mutating func quicker() { interval = max(0.1, interval / 2) }
}

/// Local time of the day.
func clockTime(_ wall: UInt64) -> String {
  var seconds = time_t(wall / 1_000_000_000)
  var parts = unsafe tm()
  unsafe localtime_r(&seconds, &parts)
  return unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
}

private func environment(_ name: String) -> String? {
  guard let text = unsafe getenv(name) else { return nil }
  let value = unsafe String(cString: text)
  return value.isEmpty ? nil : value
}
