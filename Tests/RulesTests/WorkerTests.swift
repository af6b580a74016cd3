import Dispatch
import Foundation
import Primitives
import Rules
import Ruleset
import TestSupport
import Testing

/// Workers that share rules, each with its engine. Architecture: "State that rules share across workers is leased";
/// the bounds are decision 25's.
private final class Crew {
  var now = Instant(nanoseconds: 100_000_000_000)
  let states: RuleStates
  let program: RuleProgram
  let engines: [SharedEngine]
  let packets = Packets()

  init(_ workers: Int, _ ruleset: Ruleset, liveness: ConnectionLiveness = ConnectionLiveness()) throws {
    states = RuleStates(workers: workers, secret: HashSecret(seed: 3))
    program = try RuleProgram(ruleset, ports: RulesetGenerator.ports, states: states, at: now)
    let states = states
    engines = (0..<workers).map { SharedEngine(states.engine(worker: $0, liveness: liveness)) }
    for one in engines { one.engine.adopt(program.view) }
  }

  func judge(_ worker: Int, _ packet: RulePacket) -> RuleDecision {
    var packet = packet
    return engines[worker].engine.judge(.forward, &packet, at: now)
  }
  func udp(_ x: Int, port: UInt16 = 53) -> RulePacket {
    packets.packet(Datagram.ours(x & 255, to: x >> 8).udp(from: 4000, to: port).frame(), egress: 1)
  }
  func tick(_ worker: Int, times: Int = 1) { for _ in 0..<times { engines[worker].engine.tick(at: now) } }
  /// Until everybody knows everything.
  func settle() { for _ in 0..<300 { for worker in engines.indices { tick(worker) } } }
}

/// Goes to another thread as a whole.
private final class SharedEngine: @unchecked Sendable {
  var engine: RuleEngine
  init(_ engine: consuming RuleEngine) { self.engine = engine }
}

private func inParallel(_ threads: Int, _ body: @escaping @Sendable (Int) -> Void) {
  let done = DispatchGroup()
  for number in 0..<threads {
    done.enter()
    Thread.detachNewThread {
      body(number)
      done.leave()
    }
  }
  done.wait()
}

private func seen(_ verb: SetUpdate.Verb = .add, _ statements: [Statement] = [], size: UInt32 = 60_000) -> Ruleset {
  var update = SetUpdate(verb, set: "seen", key: .concatenation([Read.source, Read.destination]))
  update.statements = statements
  var delete = SetUpdate(.delete, set: "seen", key: update.key)
  delete.statements = []
  let known = Match(update.key, .equal, .set(.named("seen")))
  return .inet(
    [
      Rule([.match(Read.port, .equal, 53), .update(update), .accept]),
      Rule([.match(Read.port, .equal, 54), .update(delete), .accept]),
      Rule([.match(Read.port, .equal, 55), .match(known), .accept]),
    ], drops: true
  ) { table in
    var set = NamedSet(name: "seen", key: [.ipv4Address, .ipv4Address])
    set.state = 50
    set.flags = verb == .update ? [.dynamic, .timeout] : .dynamic
    if verb == .update { set.timeout = 8000 }
    set.size = size
    table.sets = [set]
  }
}

@Suite struct WorkerTests {
  // MARK: Limits

  /// In all: the rate and the burst, and a batch more or fewer for each worker.
  @Test(arguments: [1, 2, 4]) func `workers share a limit but for a batch each`(workers: Int) throws {
    let (rate, burst) = (1000, 400)
    let limit = Limit(rate: UInt64(rate), unit: .second, burst: UInt64(burst))
    let crew = try Crew(workers, .inet([Rule([.limit(limit), .accept])], drops: true))
    let batch = workers == 1 ? 0 : min(burst / (8 * workers), 64)
    var chance = SeededGenerator(seed: UInt64(workers))
    let packet = crew.udp(1)
    var passed = 0
    let start = crew.now
    for _ in 0..<60_000 {
      let worker = Int.random(in: 0..<workers, using: &chance)
      if crew.judge(worker, packet) == .accept { passed += 1 }
      if Int.random(in: 0..<32, using: &chance) == 0 { crew.tick(worker) }
      crew.now = crew.now + .microseconds(UInt64.random(in: 0...200, using: &chance))
    }
    let fair = burst + Int((crew.now - start).seconds * Double(rate))
    #expect(passed <= fair + workers * batch)
    #expect(passed >= fair - 1 - (workers - 1) * batch)
  }

  @Test(arguments: [2, 4]) func `at one moment no more than the burst passes on all threads together`(workers: Int)
    throws
  {
    let limit = Limit(rate: 1, unit: .hour, burst: 4000)
    let crew = try Crew(workers, .inet([Rule([.limit(limit), .accept])], drops: true))
    let packet = Sent(crew.udp(1))
    let (engines, now) = (crew.engines, crew.now)
    let counts = Counts(workers)
    inParallel(workers) { worker in
      var passed = 0
      for _ in 0..<8000 {
        var one = packet.packet
        if engines[worker].engine.judge(.forward, &one, at: now) == .accept { passed += 1 }
      }
      counts.set(worker, passed)
    }
    #expect(counts.sum <= 4000 && counts.sum >= 4000 - (workers - 1) * 64)
    withExtendedLifetime(crew) {}
  }

  @Test func `credit that a worker does not use goes back`() throws {
    let limit = Limit(rate: 1, unit: .week, burst: 320)
    let crew = try Crew(2, .inet([Rule([.limit(limit), .accept])], drops: true))
    let packet = crew.udp(1)
    #expect(crew.judge(0, packet) == .accept)
    func passed() -> Int { (0..<400).count { _ in crew.judge(1, packet) == .accept } }
    #expect(passed() == 300)
    crew.tick(0)
    #expect(passed() == 0)
    // Unused since the tick before.
    crew.tick(0)
    #expect(passed() == 19)
  }

  // MARK: Connections

  @Test func `workers count connections together`() throws {
    var count = ConnectionCount(limit: 3)
    count.isOver = true
    let ended = Ended()
    let crew = try Crew(2, .inet([Rule([.connectionCount(count), .drop])]), liveness: ended.liveness)
    let packet = crew.udp(1)
    func judge(_ worker: Int, _ id: UInt32) -> RuleDecision { crew.judge(worker, packet.tracked(id: id)) }
    #expect(judge(0, 1) == .accept && judge(1, 2) == .accept && judge(0, 3) == .accept && judge(1, 4) == .drop)
    ended.ids = [2]
    #expect(judge(1, 4) == .accept)
    withExtendedLifetime(ended) {}
  }

  // MARK: Sets

  @Test(arguments: [2, 4]) func `what one worker adds or deletes the others know with their next tick`(workers: Int)
    throws
  {
    let crew = try Crew(workers, seen())
    #expect(crew.judge(0, crew.udp(1)) == .accept)
    #expect(crew.judge(1, crew.udp(1, port: 55)) == .policy)
    for worker in 1..<workers {
      crew.tick(worker)
      #expect(crew.judge(worker, crew.udp(1, port: 55)) == .accept)
    }
    crew.now = crew.now + .milliseconds(1)
    #expect(crew.judge(1, crew.udp(1, port: 54)) == .accept)
    for worker in 0..<workers {
      crew.tick(worker)
      #expect(crew.judge(worker, crew.udp(1, port: 55)) == .policy)
    }
    #expect(crew.states.elements(of: 50, at: crew.now).isEmpty)
  }

  @Test func `what was deleted does not come back from a worker that was slow`() throws {
    let crew = try Crew(3, seen())
    _ = crew.judge(0, crew.udp(1))
    crew.tick(1)
    crew.now = crew.now + .milliseconds(1)
    _ = crew.judge(1, crew.udp(1, port: 54))
    // The third hears of both at once.
    crew.tick(2)
    #expect(crew.judge(2, crew.udp(1, port: 55)) == .policy)
    crew.settle()
    #expect((0..<3).allSatisfy { crew.judge($0, crew.udp(1, port: 55)) == .policy })
  }

  @Test func `a worker that was too late counts its loss and looks through everything`() throws {
    let crew = try Crew(2, seen())
    for x in 0..<5000 { _ = crew.judge(0, crew.udp(x)) }
    crew.tick(1)
    #expect(crew.states.lost(of: 50) == 5000)
    #expect(crew.judge(1, crew.udp(4999, port: 55)) == .policy)
    // 64 of 67,564 records a tick.
    crew.tick(1, times: 1100)
    #expect((0..<5000).allSatisfy { crew.judge(1, crew.udp($0, port: 55)) == .accept })
  }

  /// An element that is renewed elsewhere may end early by an eighth of its timeout, and no more.
  @Test func `renewed time is known to the others within an eighth`() throws {
    let crew = try Crew(2, seen(.update))
    for _ in 0..<40 {
      _ = crew.judge(0, crew.udp(1))
      crew.tick(1)
      crew.now = crew.now + .milliseconds(500)
    }
    crew.now = crew.now + .milliseconds(6400)
    #expect(crew.judge(1, crew.udp(1, port: 55)) == .accept)
    crew.now = crew.now + .milliseconds(1100)
    #expect(crew.judge(0, crew.udp(1, port: 55)) == .policy && crew.judge(1, crew.udp(1, port: 55)) == .policy)
  }

  @Test(arguments: [2, 4]) func `an element's limit is shared but for what was not told yet`(workers: Int) throws {
    let limit = Limit(rate: 1, unit: .week, burst: 100)
    let crew = try Crew(workers, seen(.add, [.limit(limit)]))
    let packet = crew.udp(1)
    var passed = 0
    for number in 0..<400 {
      if crew.judge(number % workers, packet) == .accept { passed += 1 }
      for worker in 0..<workers { crew.tick(worker) }
    }
    let batch = 100 / (8 * workers)
    #expect(passed >= 100 && passed <= 100 + workers * (batch + 1))
  }

  @Test func `an element's connections are counted by all workers`() throws {
    let count = ConnectionCount(limit: 2)
    let crew = try Crew(2, seen(.add, [.connectionCount(count)]))
    let packet = crew.udp(1)
    #expect(crew.judge(0, packet.tracked(id: 1)) == .accept && crew.judge(0, packet.tracked(id: 2)) == .accept)
    crew.tick(1)
    #expect(crew.judge(1, packet.tracked(id: 3)) == .policy)
  }

  /// Whatever happens in whatever order, in the end all know the same.
  @Test(arguments: [2, 4]) func `workers agree once they have heard of everything`(workers: Int) throws {
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<20 {
      let crew = try Crew(workers, seen(size: 5000))
      for _ in 0..<2000 {
        let worker = Int.random(in: 0..<workers, using: &chance)
        let x = Int.random(in: 0..<60, using: &chance)
        switch Int.random(in: 0..<20, using: &chance) {
        case 0...9: _ = crew.judge(worker, crew.udp(x))
        case 10...14: _ = crew.judge(worker, crew.udp(x, port: 54))
        case 15: crew.states.carryOut(ElementChanges(set: 50, added: [Element(key(x))]), at: crew.now)
        case 16: crew.states.carryOut(ElementChanges(set: 50, removed: [key(x)]), at: crew.now)
        default: crew.tick(worker)
        }
        crew.now = crew.now + .microseconds(UInt64.random(in: 1...50, using: &chance))
      }
      crew.settle()
      let known = (0..<workers).map { worker in
        (0..<60).filter { crew.judge(worker, crew.udp($0, port: 55)) == .accept }
      }
      #expect(known.allSatisfy { $0 == known[0] })
      #expect(Set(crew.states.elements(of: 50, at: crew.now).compactMap(\.key)) == Set(known[0].map(key)))
    }
  }

  @Test func `elements are listed while workers on threads add them`() throws {
    let crew = try Crew(2, seen(.add, [.counter(Counter())]))
    let sent = (0..<512).map { Sent(crew.udp($0)) }
    let (engines, now) = (crew.engines, crew.now)
    let states = Sent(crew.states)
    inParallel(3) { thread in
      if thread == 2 {
        for _ in 0..<20 { #expect(states.packet.elements(of: 50, at: now).count <= 512) }
        return
      }
      for _ in 0..<20 {
        for one in sent {
          var packet = one.packet
          #expect(engines[thread].engine.judge(.forward, &packet, at: now) == .accept)
        }
        engines[thread].engine.tick(at: now)
      }
    }
    let counted = crew.states.elements(of: 50, at: now).map { element -> UInt64 in
      if case .counter(let counter) = element.statements.first { counter.packets } else { 0 }
    }
    #expect(counted.count == 512 && counted.allSatisfy { $0 == 40 })
  }

  private func key(_ x: Int) -> Key {
    let (source, destination) = (0x0A00_0000 + UInt128(x & 255), 0x0A00_0100 + UInt128(x >> 8))
    return Key([source...source, destination...destination])
  }

  @Test(arguments: [1, 2, 4]) func `counters are the sum of all workers to the packet`(workers: Int) throws {
    let crew = try Crew(workers, .inet([Rule([.counter(1)])]))
    let packet = Sent(crew.udp(1))
    let (engines, now) = (crew.engines, crew.now)
    inParallel(workers) { worker in
      for _ in 0..<5000 {
        var one = packet.packet
        _ = engines[worker].engine.judge(.forward, &one, at: now)
      }
    }
    #expect(crew.states.counter(1) == (UInt64(5000 * workers), UInt64(28 * 5000 * workers)))
    withExtendedLifetime(crew) {}
  }
}

/// A value that another thread only reads.
private struct Sent<Value>: @unchecked Sendable {
  let packet: Value
  init(_ packet: Value) { self.packet = packet }
}

private final class Counts: @unchecked Sendable {
  private var counts: [Int]
  private let lock = NSLock()
  init(_ count: Int) { counts = Array(repeating: 0, count: count) }
  func set(_ place: Int, _ value: Int) { lock.withLock { counts[place] = value } }
  var sum: Int { counts.reduce(0, +) }
}
