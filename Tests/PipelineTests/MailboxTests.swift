import CSegment
import Conntrack
import EventSupport
import Pipeline
import Primitives
import Reassembly
import Segment
import TestSupport
import Testing

/// What a worker does on request: all of it, in the end, and a bounded part in each breath (X8).
struct MailboxTests {
  /// Slots that are looked at and orders that are carried out in one breath, at most.
  private static let (busy, idle) = (64, 256)
  private static let (busyOrders, idleOrders) = (8, 32)

  private static func flow(_ port: UInt16, zone: UInt16 = 0) -> Connection {
    var connection = Connection()
    connection.protocol = 17
    connection.original = Connection.Tuple(
      source: IPv6Address(ipv4: IPv4Address(bits: 0x0A00_0001)),
      destination: IPv6Address(ipv4: IPv4Address(bits: 0xC000_0235)), sourcePort: port, destinationPort: 53, zone: zone)
    connection.reply = connection.original.turned(isICMP: false, isIPv6: false)
    connection.remaining = 1_000_000
    return connection
  }

  private static func order(_ verb: ConnectionOrder.Verb, _ port: UInt16, mark: UInt32? = nil) -> ConnectionOrder {
    var change = ConnectionChange()
    change.values = flow(port)
    if let mark {
      change.values.mark = mark
      change.attributes = .mark
    }
    return ConnectionOrder(verb, client: 7, change: change)
  }

  private static func question(_ port: UInt16) -> Frame {
    Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.53").udp(from: port, to: 53).frame()
  }

  /// A worker with a mailbox and room for so many connections.
  private static func line(
    capacity: Int = 4096, limits: SharedLimits? = nil, telling: EventMask = [], policy: Policy = Policy()
  ) -> (TrackingBench, Mailbox) {
    let mailbox = Mailbox()
    let bench = TrackingBench(
      policy: policy, capacity: capacity, limits: limits, events: EventMemory(room: 1 << 14, dying: 256),
      telling: telling, mailbox: mailbox)
    return (bench, mailbox)
  }

  private static func post(_ orders: [ConnectionOrder], to mailbox: Mailbox, _ lane: Int) {
    var slip = Mailbox.Lane()
    slip.kind = .orders
    slip.count = orders.count
    for (place, order) in orders.enumerated() { mailbox.set(order, place, in: lane) }
    mailbox[lane] = slip
    mailbox.post(lane)
  }

  private static func post(_ scan: ConnectionScan, to mailbox: Mailbox, _ lane: Int) {
    var slip = Mailbox.Lane()
    slip.kind = .scan
    slip.scan = scan
    mailbox[lane] = slip
    mailbox.post(lane)
  }

  private static func turn(_ mailbox: Mailbox, _ set: (inout Mailbox.Knobs) -> Void) {
    var slip = Mailbox.Lane()
    slip.kind = .knobs
    set(&slip.knobs)
    mailbox[7] = slip
    mailbox.post(7)
  }

  /// Fills the table by orders.
  private static func fill(_ bench: TrackingBench, _ mailbox: Mailbox, _ ports: Range<UInt16>) {
    for first in stride(from: ports.lowerBound, to: ports.upperBound, by: Mailbox.orders) {
      let end = min(first + UInt16(Mailbox.orders), ports.upperBound)
      post((first..<end).map { order(.create, $0, mark: UInt32($0 % 3)) }, to: mailbox, 0)
      while !mailbox.isFree(0) { _ = bench.bench.worker.breathe() }
    }
  }

  // MARK: Orders

  @Test func `a lane is done when all of it is done, and its answers are there`() {
    let (bench, mailbox) = Self.line()
    bench.bench.ports.arrive([Self.question(5)], on: Bench.a)
    _ = bench.bench.worker.breathe()
    Self.post(
      [Self.order(.create, 4), Self.order(.create, 5), Self.order(.update, 5, mark: 9), Self.order(.look, 6)],
      to: mailbox, 2)
    #expect(!mailbox.isFree(2))
    _ = bench.bench.worker.breathe()
    #expect(mailbox.isFree(2) && mailbox[2].done == 4)
    #expect((0..<4).map { mailbox.outcome($0, in: 2) } == [.created, .exists, .done, .notFound])
    #expect(mailbox.connection(1, in: 2).counts.original.packets == 1)
    #expect(mailbox.connection(2, in: 2).mark == 9 && mailbox.connection(0, in: 2).original.sourcePort == 4)
    #expect(bench.eventCounts.orders == 4 && bench.eventCounts.refused == 2 && bench.eventCounts.turns == 1)
    for _ in 0..<10 { _ = bench.bench.worker.breathe() }
    #expect(bench.eventCounts.turns == 1, "what is done costs nothing more")
  }

  @Test func `a lane without orders is done at once, and every lane serves`() {
    let (bench, mailbox) = Self.line()
    for lane in 0..<Mailbox.lanes {
      Self.post(lane % 2 == 0 ? [] : [Self.order(.create, UInt16(lane))], to: mailbox, lane)
    }
    _ = bench.bench.worker.breathe()
    #expect((0..<Mailbox.lanes).allSatisfy { mailbox.isFree($0) } && bench.counts.entries == 4)
  }

  @Test(arguments: [false, true])
  func `a lane takes as many breaths as it needs`(isBusy: Bool) {
    let (bench, mailbox) = Self.line()
    let orders = (0..<32).map { Self.order(.create, UInt16($0)) }
    Self.post(orders, to: mailbox, 0)
    var breaths = 0
    while !mailbox.isFree(0), breaths < 100 {
      if isBusy { bench.bench.ports.arrive([Self.question(9999)], on: Bench.a) }
      _ = bench.bench.worker.breathe()
      breaths += 1
    }
    #expect(breaths == (isBusy ? 32 / Self.busyOrders : 32 / Self.idleOrders))
    #expect(bench.counts.entries == (isBusy ? 33 : 32))
  }

  // MARK: Bounds

  /// X8: however much was asked, and however many asked.
  @Test(arguments: [1, 3, 8], [false, true])
  func `a breath looks at no more than it may`(lanes: Int, isBusy: Bool) {
    let (bench, mailbox) = Self.line()
    Self.fill(bench, mailbox, 0..<2000)
    var filter = ConnectionFilter()
    filter.conditions = .mark
    filter.mark = 77
    var most: (visited: UInt64, orders: UInt64) = (0, 0)
    var posted = 0
    for breath in 0..<400 {
      for lane in 0..<lanes where mailbox.isFree(lane) {
        posted += 1
        if posted % 2 == 0 {
          Self.post((0..<32).map { Self.order(.look, UInt16($0)) }, to: mailbox, lane)
        } else {
          Self.post(ConnectionScan(.delete, filter: filter), to: mailbox, lane)
        }
      }
      if isBusy { bench.bench.ports.arrive([Self.question(UInt16(breath % 100))], on: Bench.a) }
      let before = bench.eventCounts
      let received = bench.bench.worker.breathe()
      #expect((received > 0) == isBusy)
      most.visited = max(most.visited, bench.eventCounts.visited - before.visited)
      most.orders = max(most.orders, bench.eventCounts.orders - before.orders)
    }
    #expect(most.visited <= UInt64(isBusy ? Self.busy : Self.idle))
    #expect(most.orders <= UInt64(max(lanes, isBusy ? Self.busyOrders : Self.idleOrders)))
    // And as much as it may: nobody waits for no reason.
    if lanes == 1 { #expect(most.visited == UInt64(isBusy ? Self.busy : Self.idle)) }
    #expect(bench.bench.balances && bench.wrong == nil)
  }

  /// Round robin: a lane with much to do keeps none waiting.
  @Test func `each lane comes on in each breath`() {
    let (bench, mailbox) = Self.line()
    Self.fill(bench, mailbox, 0..<2000)
    for lane in 0..<7 {
      Self.post(ConnectionScan(.update, filter: ConnectionFilter(), isSilent: true), to: mailbox, lane)
    }
    Self.post((0..<4).map { Self.order(.look, UInt16($0)) }, to: mailbox, 7)
    var breaths = 0
    while !mailbox.isFree(7) {
      bench.bench.ports.arrive([Self.question(1)], on: Bench.a)
      _ = bench.bench.worker.breathe()
      breaths += 1
    }
    #expect(breaths == 4, "one of eight in each breath")
    #expect((0..<7).allSatisfy { !mailbox.isFree($0) })
    var done = [Int](repeating: 0, count: 7)
    while done.contains(0) {
      _ = bench.bench.worker.breathe()
      breaths += 1
      for lane in 0..<7 where done[lane] == 0 && mailbox.isFree(lane) { done[lane] = breaths }
    }
    #expect(done.max()! - done.min()! <= 1, "lanes of one length end together: \(done)")
    #expect((0..<7).allSatisfy { mailbox[$0].meant == 2000 && mailbox[$0].isThrough })
  }

  @Test func `ends that are known leave the list a bounded number at once`() {
    let (bench, mailbox) = Self.line(telling: [.destroy, .keeps])
    Self.fill(bench, mailbox, 0..<200)
    Self.post(ConnectionScan(.delete, filter: ConnectionFilter(), isSilent: true), to: mailbox, 0)
    while !mailbox.isFree(0) { _ = bench.bench.worker.breathe() }
    #expect(bench.eventCounts.dying == 200)
    mailbox.acknowledge(150)
    _ = bench.bench.worker.breathe()
    #expect(bench.eventCounts.dying == 136)
    for _ in 0..<5 { _ = bench.bench.worker.breathe() }
    #expect(bench.eventCounts.dying == 50 && bench.events?.ends.count == 50)
  }

  // MARK: Scans

  /// A full answer ends the lane; the next one goes on from there.
  @Test func `a scan goes on from answer to answer`() {
    let (bench, mailbox) = Self.line()
    Self.fill(bench, mailbox, 0..<300)
    var filter = ConnectionFilter()
    filter.conditions = .mark
    filter.mark = 1
    var ports: [UInt16] = []
    var scan = ConnectionScan(.delete, filter: filter, client: 3)
    while true {
      Self.post(scan, to: mailbox, 4)
      while !mailbox.isFree(4) { _ = bench.bench.worker.breathe() }
      let slip = mailbox[4]
      #expect(slip.filled == slip.meant && slip.filled <= Mailbox.orders)
      ports += (0..<slip.filled).map { mailbox.connection($0, in: 4).original.sourcePort }
      if slip.isThrough { break }
      #expect(slip.filled == Mailbox.orders)
      scan.next = slip.scan.next
    }
    #expect(ports == (0..<300).filter { $0 % 3 == 1 } && bench.counts.entries == 200 && bench.wrong == nil)
  }

  @Test func `buckets are counted answer by answer`() {
    let (bench, mailbox) = Self.line(capacity: 20_000)
    Self.fill(bench, mailbox, 0..<500)
    let buckets = bench.bench.worker.journey.tracker.bucketCount
    #expect(buckets > Mailbox.buckets)
    var (first, entries) = (0, 0)
    while true {
      var slip = Mailbox.Lane()
      slip.kind = .buckets
      slip.first = first
      mailbox[1] = slip
      mailbox.post(1)
      var breaths = 0
      while !mailbox.isFree(1) {
        _ = bench.bench.worker.breathe()
        breaths += 1
      }
      slip = mailbox[1]
      #expect(breaths >= slip.filled / Self.idle)
      entries += (0..<slip.filled).reduce(0) { $0 + Int(mailbox.tally($1, in: 1)) }
      first += slip.filled
      if slip.isThrough { break }
      #expect(slip.filled == Mailbox.buckets)
    }
    #expect(first == buckets && entries == 500)
  }

  // MARK: Knobs

  @Test func `windows are held against segments or not`() {
    let (bench, mailbox) = Self.line(policy: Policy(invalid: .drop))
    let segment = { (flags: TCPFlags, seq: UInt32, ack: UInt32) in
      Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.80").tcp(from: 4000, to: 80, flags: flags, seq: seq, ack: ack)
    }
    _ = bench.play([segment(.syn, 1000, 0).frame()], bursts: [1])
    _ = bench.play([segment([.syn, .ack], 5000, 1001).reversed.frame()], bursts: [1], on: Bench.b)
    _ = bench.play([segment(.ack, 1001, 5001).frame()], bursts: [1])
    let far = segment(.ack, 1_000_000_000, 5001).frame()
    #expect(bench.play([far], bursts: [1]) == [.drop(.invalid)])
    Self.turn(mailbox) { $0.checksSequences = false }
    _ = bench.bench.worker.breathe()
    #expect(mailbox.isFree(7) && bench.play([far], bursts: [1]) == [.forward(Bench.b)])
    Self.turn(mailbox) { $0.checksSequences = true }
    _ = bench.bench.worker.breathe()
    #expect(bench.play([far], bursts: [1]) == [.drop(.invalid)])
  }

  @Test func `a pass over the table takes as long as it is told to`() {
    let (bench, mailbox) = Self.line()
    Self.fill(bench, mailbox, 0..<2000)
    let swept = { (milliseconds: UInt32) in
      Self.turn(mailbox) { $0.sweepInterval = milliseconds }
      _ = bench.bench.worker.breathe()
      let before = bench.counts.swept
      for _ in 0..<1000 {
        bench.advance(.milliseconds(1))
        _ = bench.bench.worker.breathe()
      }
      return Int(bench.counts.swept - before)
    }
    #expect((190...210).contains(swept(10_000)))
    #expect((1900...2100).contains(swept(1000)))
    Self.turn(mailbox) { $0.sweepInterval = 0 }
    _ = bench.bench.worker.breathe()
    #expect(bench.wrong == nil)
  }

  @Test func `events are told from when they are wanted, in the zones they are wanted of`() throws {
    let (bench, mailbox) = Self.line()
    let events = try #require(bench.events)
    _ = bench.play([Self.question(1)], bursts: [1])
    #expect(events.take().isEmpty)
    Self.turn(mailbox) { $0.events = unsafe .init([.new, .destroy]) }
    _ = bench.bench.worker.breathe()
    _ = bench.play([Self.question(2)], bursts: [1])
    #expect(events.take().map(\.connection.original.sourcePort) == [2])
    let zones = unsafe events.bits([9])
    Self.turn(mailbox) { $0.events = unsafe .init([.new], zones: zones) }
    _ = bench.bench.worker.breathe()
    _ = bench.play([Self.question(3)], bursts: [1])
    var there = Self.order(.create, 4)
    there.change.values = Self.flow(4, zone: 9)
    Self.post([there], to: mailbox, 0)
    _ = bench.bench.worker.breathe()
    #expect(events.take().map(\.connection.original.sourcePort) == [4])
    Self.turn(mailbox) { $0.events = unsafe .init([]) }
    _ = bench.bench.worker.breathe()
    _ = bench.play([Self.question(5)], bursts: [1])
    #expect(events.take().isEmpty && bench.eventCounts.mask == 0)
  }

  /// F28: gradually, whatever is held.
  @Test func `reassembly is switched off and on while packets pass`() {
    let mailbox = Mailbox()
    let line = FragmentBench(mailbox: mailbox)
    for id in 0..<40 { line.play([Datagram.sample(100, id: UInt16(id), source: "10.0.0.\(id)").frames(size: 40)[0]]) }
    #expect(line.held == 40)
    var off = FragmentSettings(fragments: 512)
    off.ipv4.isOn = false
    Self.turn(mailbox) { $0.fragments = off }
    var held = [line.held]
    while line.held > 0, held.count < 20 {
      line.play([])
      held.append(line.held)
    }
    #expect(held == [40, 32, 24, 16, 8, 0])
    #expect(line.count(FragmentEvent.purged) == 40 && line.bench.dropped(.fragPurged) == 40)
    let pieces = Datagram.sample(100, id: 99).frames(size: 40)
    #expect(line.play([pieces[0]]) == [.forward(Bench.b)], "fragments are packets like others now")
    Self.turn(mailbox) { $0.fragments = FragmentSettings(fragments: 512) }
    line.play([])
    #expect(line.play([pieces[0]]) == [.hold])
    #expect(line.bench.ports.alive.count == 1 && line.balances)
  }

  // MARK: Limits

  /// C36, X8: what was lowered is never exceeded once every worker has returned what it kept.
  @Test(arguments: [1, 2, 4], [false, true])
  func `a limit that is lowered holds for all workers`(workers: Int, isZone: Bool) {
    let limits = SharedLimits(capacity: 4096 * workers, secret: TrackingBench.secret)
    let lines = (0..<workers).map { _ in Self.line(limits: limits) }
    var port: UInt16 = 0
    let open = { (bench: TrackingBench, count: Int) in
      _ = bench.play(
        (0..<count).map { _ in
          port += 1
          return Self.question(port)
        }, bursts: Array(repeating: 10, count: count / 10))
    }
    let total = { lines.reduce(0) { $0 + Int($1.0.counts.entries) } }
    for (bench, _) in lines { open(bench, 300) }
    #expect(total() == 300 * workers, "there was no limit")
    let set = { (limit: UInt32) in
      if isZone { limits.setLimit(limit, zone: 0) } else { limits.setTotal(limit) }
      for (_, mailbox) in lines {
        var slip = Mailbox.Lane()
        slip.kind = .credits
        (slip.first, slip.last) = isZone ? (0, 0) : (0, Int(UInt16.max))
        mailbox[3] = slip
        mailbox.post(3)
      }
      for (bench, mailbox) in lines {
        var breaths = 0
        while !mailbox.isFree(3) {
          _ = bench.bench.worker.breathe()
          breaths += 1
        }
        #expect(breaths == (isZone ? 1 : 256))
      }
    }
    set(100)
    #expect(total() == 300 * workers, "nobody is thrown out")
    for (bench, _) in lines { open(bench, 50) }
    #expect(total() == 300 * workers)
    // They go, until there is room again; a refusal may come two batches early for each other worker.
    for (bench, mailbox) in lines {
      Self.post(ConnectionScan(.delete, filter: ConnectionFilter(), isSilent: true), to: mailbox, 0)
      while !mailbox.isFree(0) { _ = bench.bench.worker.breathe() }
    }
    for _ in 0..<10 { for (bench, _) in lines { open(bench, 50) } }
    #expect(total() <= 100 && total() >= 100 - (workers - 1) * 2)
    set(0)
    for (bench, _) in lines { open(bench, 100) }
    #expect(total() >= 100 * workers, "there is no limit any more")
    #expect(lines.allSatisfy { $0.0.wrong == nil && $0.0.bench.balances })
  }

  @Test func `zones without a limit of their own follow the one of all`() {
    let limits = SharedLimits(zoneDefault: 5, zones: [7: 2, 8: 0], capacity: 100, secret: TrackingBench.secret)
    #expect(limits.zoneLimits == [7: 2, 8: 0] && limits.zoneDefault == 5 && limits.totalLimit == 0)
    let (bench, mailbox) = Self.line(limits: limits)
    let room = { (zone: UInt16) in
      let orders = (0..<10).map { port in
        var change = ConnectionChange()
        change.values = Self.flow(UInt16(port), zone: zone)
        return ConnectionOrder(.create, change: change)
      }
      Self.post(orders, to: mailbox, 0)
      while !mailbox.isFree(0) { _ = bench.bench.worker.breathe() }
      let made = (0..<10).count { mailbox.outcome($0, in: 0) == .created }
      Self.post(ConnectionScan(.delete, filter: ConnectionFilter(), isSilent: true), to: mailbox, 0)
      while !mailbox.isFree(0) { _ = bench.bench.worker.breathe() }
      var slip = Mailbox.Lane()
      slip.kind = .credits
      slip.last = Int(UInt16.max)
      mailbox[1] = slip
      mailbox.post(1)
      while !mailbox.isFree(1) { _ = bench.bench.worker.breathe() }
      return made
    }
    #expect([6, 7, 8].map(room) == [5, 2, 10])
    limits.setZoneDefault(3)
    limits.setLimit(4, zone: 8)
    #expect([6, 7, 8].map(room) == [3, 2, 4])
    limits.setLimit(nil, zone: 7)
    limits.setZoneDefault(0)
    #expect([6, 7, 8].map(room) == [10, 10, 4])
  }

  // MARK: Packets

  /// Orders while bursts flow: no packet is lost for them.
  @Test func `packets keep their balance whatever is asked meanwhile`() {
    var chance = SeededGenerator.forThisRun()
    let (bench, mailbox) = Self.line(capacity: 64, telling: [.new, .update, .destroy])
    var traffic = TrackedTraffic(trouble: 5)
    var table = EventTable()
    var wrong: String?
    for _ in 0..<3000 {
      for lane in 0..<Mailbox.lanes where mailbox.isFree(lane) && Int.random(in: 0..<4, using: &chance) == 0 {
        switch Int.random(in: 0..<4, using: &chance) {
        case 0: Self.post(ConnectionScan(.delete, filter: ConnectionFilter(), isSilent: true), to: mailbox, lane)
        case 1: Self.post(ConnectionScan(.update, filter: ConnectionFilter()), to: mailbox, lane)
        default:
          let verbs: [ConnectionOrder.Verb] = [.create, .add, .update, .delete, .look]
          let orders = (0..<Int.random(in: 0...32, using: &chance)).map { _ in
            Self.order(
              verbs.randomElement(using: &chance)!, UInt16.random(in: 1...3, using: &chance),
              mark: UInt32.random(in: 0...3, using: &chance))
          }
          Self.post(orders, to: mailbox, lane)
        }
      }
      for _ in 0..<Int.random(in: 0...40, using: &chance) {
        let (frame, port) = traffic.next(&chance)
        bench.bench.ports.arrive([frame], on: port)
      }
      if Int.random(in: 0..<20, using: &chance) == 0 { bench.advance(.milliseconds(900)) }
      _ = bench.bench.worker.breathe()
      for event in bench.events?.take() ?? [] {
        wrong = wrong ?? table.apply(event)
      }
      wrong = wrong ?? table.difference(from: bench.bench.worker.journey.tracker) ?? bench.wrong
      if !bench.bench.balances { wrong = wrong ?? "packets are lost" }
      guard wrong == nil else { break }
    }
    #expect(wrong == nil)
  }
}
