import CSegment
import Foundation
import Reassembly
import TestSupport
import Testing

/// Any row of fragments, times and settings does to a table what it does to a map of octets.
struct FragmentPropertyTests {
  /// `DPDKFWD_FRAGMENT_STEPS` makes it a long run: millions in release.
  private static let steps =
    ProcessInfo.processInfo.environment["DPDKFWD_FRAGMENT_STEPS"].flatMap { Int($0) } ?? 100_000

  /// F30, F36, F39, F42-F44, F46, F48: what becomes of every fragment; gauges, counters and the whole memory again and
  /// again. The milliseconds pass 2^32 on the way.
  @Test(arguments: FragmentPropertyBench.Conditions.allCases)
  func `steps without number do to a table what they do to a map of octets`(
    conditions: FragmentPropertyBench.Conditions
  ) {
    let bench = FragmentPropertyBench(conditions, SeededGenerator.forThisRun("\(conditions)"))
    for step in 0..<Self.steps {
      bench.step()
      if step % 512 == 0 { bench.compareAll() }
      if let breach = bench.breach {
        Issue.record("\(conditions), step \(step): \(breach)")
        return
      }
    }
    bench.outlive()
    #expect(bench.breach == nil)
    print("\(conditions): \(bench.summary)")
  }
}

/// A table and its model, fed alike.
final class FragmentPropertyBench {
  enum Conditions: String, CaseIterable, CustomTestStringConvertible {
    /// Room for all.
    case roomy
    /// Every limit is felt.
    case tight
    /// Settings change all the time.
    case changing

    var testDescription: String { rawValue }
  }

  private let conditions: Conditions
  private let bench: FragmentBench
  private var model: FragmentModel
  private var chance: SeededGenerator
  private(set) var breach: String?
  private var sent = 0
  /// Slots of what is whole, as the model's `leaving`, and how many packets died by such ends.
  private var leaving: [Int] = []
  private var buried = 0
  private var discarded: UInt64 = 0
  /// Datagrams of which fragments are still to be sent, and fragments sent lately.
  private var open: [[Fragment]] = []
  private var recent: [Fragment] = []
  private var nextID: UInt32 = 0

  init(_ conditions: Conditions, _ chance: SeededGenerator) {
    self.conditions = conditions
    self.chance = chance
    var settings = FragmentSettings(fragments: 512)
    settings.perDatagram = 40
    if conditions == .tight {
      settings = FragmentSettings(fragments: 48, mbufs: 64, bytes: 6000, datagrams: 14)
      settings.perDatagram = 20
      settings.low = 60
    }
    // A minute before the milliseconds come round.
    let start = UInt64(1) << 32 - 60_000
    model = FragmentModel(settings, now: start)
    bench = FragmentBench(settings, now: UInt32(truncatingIfNeeded: start))
  }

  private func isLucky(_ one: Int, in many: Int) -> Bool { Int.random(in: 0..<many, using: &chance) < one }

  // MARK: Steps

  func step() {
    switch Int.random(in: 0..<1000, using: &chance) {
    case 0..<880: send(pick())
    case 880..<930: endOne()
    case 930..<970: tick()
    case 970..<998: advance([0, 1, 7, 100, 500, 1000, 2000].randomElement(using: &chance)!)
    case 998: advance([9999, 10_000, 29_999, 30_000, 60_000, 200_000].randomElement(using: &chance)!)
    default: if conditions == .changing { change() }
    }
    if leaving.count > 6 { endOne() }
  }

  private func advance(_ milliseconds: UInt64) {
    model.now += milliseconds
    bench.now &+= UInt32(milliseconds)
  }

  private func tick() {
    let most = [1, 2, 8, 1000].randomElement(using: &chance)!
    model.tick(most: most)
    bench.tick(most: most)
  }

  private func send(_ fragment: Fragment) {
    let steps = bench.gauges.steps
    sent += 1
    let expected = model.take(fragment)
    let taken = bench.take(fragment)
    if bench.gauges.steps - steps > 128 { fail("a search of \(bench.gauges.steps - steps) steps") }
    switch (expected, taken) {
    case (.complete, .complete(let slot)):
      leaving.append(slot)
      let pieces = model.leaving.last!.sorted { $0.payload.lowerBound < $1.payload.lowerBound }
      if bench.pieces(slot).map(\.payload) != pieces.map(\.payload) { fail("the pieces of \(slot) are not in order") }
      if Int(bench.table.payloadLength(slot)) != pieces.last!.payload.upperBound { fail("\(slot) has another length") }
    case _ where expected == taken: break
    default: fail("\(fragment) is \(taken), not \(expected)")
    }
    if bench.table.held != model.fragments { fail("\(bench.table.held) fragments held, not \(model.fragments)") }
  }

  /// A datagram that is whole leaves, or not.
  private func endOne() {
    guard !leaving.isEmpty else { return }
    let place = Int.random(in: 0..<leaving.count, using: &chance)
    let end = FragmentBench.End.allCases.randomElement(using: &chance)!
    if end == .cut || end == .refused { buried += model.leaving[place].count }
    model.finish(place, as: end)
    bench.end(leaving.remove(at: place), as: end)
  }

  private func change() {
    var settings = FragmentSettings(
      fragments: [5, 40, 300, 1000].randomElement(using: &chance)!,
      mbufs: [8, 60, 400].randomElement(using: &chance)!,
      bytes: [1500, 9000, 100_000].randomElement(using: &chance)!,
      datagrams: [2, 10, 100, 1000].randomElement(using: &chance)!)
    settings.ipv4.timeout = [500, 30_000, 60_000].randomElement(using: &chance)!
    settings.ipv6.timeout = [500, 30_000, 60_000].randomElement(using: &chance)!
    settings.ipv4.isOn = isLucky(4, in: 5)
    settings.ipv6.isOn = isLucky(4, in: 5)
    settings.ipv4.smallest = isLucky(1, in: 8) ? 60 : 0
    settings.ipv6.smallest = isLucky(1, in: 8) ? 80 : 0
    settings.perDatagram = [3, 20, 60].randomElement(using: &chance)!
    settings.sourceShare = [20, 50, 100].randomElement(using: &chance)!
    (settings.high, settings.low) = [(100, 100), (90, 75), (50, 10)].randomElement(using: &chance)!
    model.set(settings)
    bench.set(settings)
  }

  // MARK: Traffic

  /// Mostly what belongs to a datagram, in some order; else something like it.
  private func pick() -> Fragment {
    if open.count < 10 || isLucky(1, in: 10), open.count < 40 { open.append(datagram()) }
    let place = Int.random(in: 0..<open.count, using: &chance)
    let fragment: Fragment
    switch Int.random(in: 0..<100, using: &chance) {
    case 0..<5 where !recent.isEmpty: fragment = recent.randomElement(using: &chance)!
    case 5..<8: fragment = distorted(open[place].last!)
    case 8: return open[place].last!.with { $0.fault = .badHeader }
    default:
      fragment = open[place].removeLast()
      if open[place].isEmpty || isLucky(1, in: 60) { open.remove(at: place) }
    }
    if recent.count >= 16 { recent.remove(at: Int.random(in: 0..<16, using: &chance)) }
    recent.append(fragment)
    return fragment
  }

  /// Some payload cut at multiples of 8, in an order of its own.
  private func datagram() -> [Fragment] {
    let length = Int.random(in: 1...[40, 300, 800].randomElement(using: &chance)!, using: &chance)
    let cuts = (1..<max(2, (length + 7) / 8)).filter { _ in isLucky(1, in: 3) }.map { $0 * 8 }.filter { $0 < length }
    // Often one that was there before.
    nextID = isLucky(1, in: 8) ? UInt32.random(in: 0...nextID, using: &chance) : nextID &+ 1
    var like = Fragment(0..<8, family: Int.random(in: 0..<2, using: &chance), id: nextID % 97)
    like.source = [1, 1, 1, 2, 3, 4].randomElement(using: &chance)!
    like.zone = isLucky(1, in: 5) ? 1 : 0
    like.number = isLucky(1, in: 5) ? 6 : 17
    like.mbufs = isLucky(1, in: 6) ? 3 : 1
    let codepoints: [UInt8] = [[0], [0], [2], [1, 2, 3], [0, 3]].randomElement(using: &chance)!
    let ends = cuts + [length]
    let pieces = zip([0] + cuts, ends).map { start, end in
      like.with {
        ($0.payload, $0.more) = (start..<end, end < length)
        $0.ecn = codepoints.randomElement(using: &chance)!
      }
    }
    switch Int.random(in: 0..<4, using: &chance) {
    case 0: return pieces
    case 1: return pieces.reversed()
    default: return pieces.shuffled(using: &chance)
    }
  }

  /// Other places, other lengths, none, another end.
  private func distorted(_ fragment: Fragment) -> Fragment {
    var start = fragment.payload.lowerBound
    var end = fragment.payload.upperBound
    var more = fragment.more
    switch Int.random(in: 0..<8, using: &chance) {
    case 0: start += 8
    case 1: start -= 8
    case 2: end += 8
    case 3: end -= 8
    case 4: more.toggle()
    case 5: end = start
    case 6: end += Int.random(in: -7...7, using: &chance)
    default: (start, end) = (start + 400, end + 400)
    }
    start = min(max(0, start), FragmentModel.Octets.most - 8)
    end = min(max(start, end), FragmentModel.Octets.most)
    return fragment.with { ($0.payload, $0.more) = (start..<end, more) }
  }

  private func fail(_ what: String) { breach = breach ?? what }

  // MARK: Everything

  func compareAll() {
    if let wrong = bench.breach { fail(wrong) }
    let gauges = bench.gauges
    let told = [gauges.fragments, gauges.mbufs, gauges.bytes, gauges.datagrams, gauges.discarded].map { Int($0) }
    let wanted = [model.fragments, model.mbufs, model.bytes, model.live, model.discarded]
    if told != wanted { fail("gauges are \(told), not \(wanted)") }
    for family in 0..<2 {
      for event in FragmentEvent.allCases {
        let (counted, wanted) = (bench.count(event, family), model.events[family][Int(event.rawValue)])
        if counted != wanted { fail("\(counted) fragments \(event), not \(wanted)") }
      }
      for event in DatagramEvent.allCases {
        let (counted, wanted) = (bench.count(event, family), model.datagramEvents[family][Int(event.rawValue)])
        if counted != wanted { fail("\(counted) datagrams \(event), not \(wanted)") }
      }
    }
    account()
  }

  /// Every fragment is counted by how it ended, or held.
  private func account() {
    func total(_ events: [FragmentEvent]) -> Int {
      events.reduce(0) { $0 + Int(bench.count($1, 0) + bench.count($1, 1)) }
    }
    for event in FragmentEvent.allCases { discarded += bench.table.discards(event).packets }
    bench.accounted()
    if bench.dead != buried + Int(discarded) { fail("\(bench.dead) died, of which \(discarded) were told") }
    let ends = FragmentEvent.allCases.filter {
      ![.accepted, .atomic, .truncated, .unknownProtocol, .noBuffer].contains($0)
    }
    if total(ends) + model.fragments != sent { fail("\(sent) fragments came, \(total(ends)) ended") }
    let accepted = total([.completed, .handedOff, .refused]) + model.fragments + Int(discarded)
    if total([.accepted]) != accepted { fail("\(total([.accepted])) were accepted, and \(accepted) were there") }
  }

  /// All are gone a while after the last fragment, and all that was counted is given back.
  func outlive() {
    compareAll()
    while !leaving.isEmpty { endOne() }
    advance(200_000)
    for _ in 0..<1000 { tick() }
    compareAll()
    let gauges = bench.gauges
    if gauges.fragments + gauges.mbufs + gauges.bytes + gauges.datagrams + gauges.discarded != 0 {
      fail("something outlives its time")
    }
    if !bench.held.isEmpty { fail("\(bench.held.count) packets are held") }
  }

  var summary: String {
    let counts = FragmentEvent.allCases.map { (bench.count($0, 0) + bench.count($0, 1), $0.name) }.filter { $0.0 > 0 }
    return counts.sorted { $0.0 > $1.0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
  }
}
