public import Primitives
internal import Tables

/// Carries requests to the driver and answers back, a bounded piece of work in each `step`. One thread drives it.
public final class OffloadQueue {
  /// Which record of which worker.
  struct Record: Hashable {
    var worker: UInt16
    var slot: UInt32
  }

  let settings: OffloadSettings
  /// By worker.
  public let lanes: [OffloadLane]
  public let board: OffloadBoard
  let driver: any FlowDriver

  /// Places are taken again; `lives` says which life of its place an entry is. Grows up to `settings.flows`.
  var entries: [Entry?] = []
  var lives: [UInt32] = []
  private var free: [Int] = []
  /// The entry of each record's newest connection.
  var current: [Record: Int] = [:]
  /// Entries for which the driver is to do something, and those with something to tell.
  var work = EntryLine()
  private var untold = EntryLine()

  var budget: CallBudget
  var ports: [PortID: OffloadPort] = [:]
  var figures = OffloadFigures()
  private var firstLane = 0
  private var readsFirst = false
  var cursor = 0
  var nextAges = Instant(nanoseconds: 0)

  public init(
    _ settings: OffloadSettings, lanes: [OffloadLane], driver: any FlowDriver, board: OffloadBoard = OffloadBoard()
  ) {
    self.settings = settings
    self.lanes = lanes
    self.driver = driver
    self.board = board
    budget = CallBudget(perSecond: settings.callsPerSecond, burst: settings.burst)
  }

  /// Some work, and no more calls of the driver than the settings allow. Time never goes back.
  public func step(at now: Instant) {
    for notice in board.takeNotices() { note(notice, at: now) }
    tell()
    takeRequests(at: now)
    askForAged(at: now)
    // Under more work than there are calls for, counters are still read, and the other way round.
    readsFirst.toggle()
    if readsFirst { readCounters(at: now) }
    carryOut(at: now)
    if !readsFirst { readCounters(at: now) }
    tell()
    showFigures()
  }

  /// Takes all rules out, whatever it costs: before ports are stopped. Workers hear of it as far as there is room.
  public func close(at now: Instant) {
    budget = .unlimited
    for place in entries.indices where entries[place] != nil { end(place, .closed) }
    for attempt in 0...(2 * settings.attempts + 2) where work.count > 0 {
      carryOut(at: now + .nanoseconds(UInt64(attempt) * settings.pause.nanoseconds))
    }
    tell()
    showFigures()
  }

  private func note(_ notice: OffloadBoard.Notice, at now: Instant) {
    switch notice {
    case .port(let port, let isUp):
      ports[port, default: OffloadPort(port)].isUp = isUp
      ports[port]?.rests = [:]
      guard !isUp else { return }
      for place in entries.indices {
        guard let entry = entries[place], entry.request.ports.original == port || entry.request.ports.reply == port
        else { continue }
        end(place, .portDown)
      }
    case .workerGone(let worker):
      for place in entries.indices where entries[place]?.flow.worker == worker {
        entries[place]?.isSilent = true
        if entries[place]?.last == nil { end(place, .removed) } else { untell(place) }
      }
      if Int(worker) < lanes.count { while lanes[Int(worker)].requests.take() != nil {} }
    }
  }

  // MARK: Requests

  private func takeRequests(at now: Instant) {
    guard !lanes.isEmpty else { return }
    firstLane = (firstLane + 1) % lanes.count
    for number in 0..<lanes.count {
      let worker = (firstLane + number) % lanes.count
      // As there is room for an answer, whatever it will be.
      for _ in 0..<64 where lanes[worker].reports.room > 0 {
        guard var request = lanes[worker].requests.take() else { break }
        request.flow.worker = UInt16(worker)
        switch request.kind {
        case .add: add(request, at: now)
        case .remove:
          guard let place = current[Record(request.flow)],
            entries[place]?.flow.generation == request.flow.generation
          else { continue }
          end(place, .removed)
        }
      }
    }
  }

  private func add(_ request: OffloadRequest, at now: Instant) {
    let record = Record(request.flow)
    if let place = current[record], let entry = entries[place] {
      if entry.flow.generation == request.flow.generation {
        // Asked for twice: told twice, unless it is just ending; the end is the answer then.
        if entry.state == .placed {
          entries[place]?.tellsAdded = true
          untell(place)
        }
        return
      }
      end(place, .replaced)
    }
    guard request.tuple.transport == 6 || request.tuple.transport == 17, let place = takePlace() else {
      figures.refused += 1
      _ = lanes[Int(request.flow.worker)].reports.put(OffloadReport(.refused, request.flow))
      return
    }
    entries[place] = Entry(request, at: now)
    current[record] = place
    work.add(place)
  }

  private func takePlace() -> Int? {
    if let place = free.popLast() { return place }
    guard entries.count < settings.flows else { return nil }
    entries.append(nil)
    lives.append(0)
    return entries.count - 1
  }

  private func release(_ place: Int) {
    guard let flow = entries[place]?.flow else { return }
    if current[Record(flow)] == place { current[Record(flow)] = nil }
    entries[place] = nil
    lives[place] &+= 1
    free.append(place)
  }

  /// Its rules are to go, for a reason; the first reason stands.
  func end(_ place: Int, _ cause: OffloadReport.Cause) {
    guard let entry = entries[place], entry.state != .ending, entry.last == nil else { return }
    // One that is being added stands in the line already.
    if entry.state == .placed { work.add(place) }
    entries[place]?.state = .ending
    entries[place]?.cause = cause
    entries[place]?.attempts = 0
    entries[place]?.notBefore = Instant(nanoseconds: 0)
  }

  // MARK: Reports

  /// It has something to tell.
  func untell(_ place: Int) {
    guard entries[place]?.isUntold == false else { return }
    entries[place]?.isUntold = true
    untold.add(place)
  }

  private func tell() {
    for _ in 0..<untold.count {
      guard let place = untold.first, let entry = entries[place] else { return }
      untold.removeFirst()
      entries[place]?.isUntold = false
      if entry.isSilent {
        if entry.last != nil { release(place) }
        continue
      }
      guard let report = entry.report else { continue }
      guard lanes[Int(entry.flow.worker)].reports.put(report) else {
        untell(place)
        continue
      }
      entries[place]?.told(report)
      if entry.last != nil {
        release(place)
      } else if entries[place]?.report != nil {
        untell(place)
      }
    }
  }

  private func showFigures() {
    figures.flows = entries.count - free.count
    figures.waiting = work.count
    figures.dropped = lanes.reduce(0) { $0 + $1.dropped }
    figures.ports = ports.values.sorted { $0.port < $1.port }
    board.show(figures)
  }
}

extension OffloadQueue.Record {
  init(_ flow: OffloadFlow) { self.init(worker: flow.worker, slot: flow.slot) }
}
