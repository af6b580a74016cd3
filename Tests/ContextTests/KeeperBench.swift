import Pipeline
import Primitives
import Rules
import Ruleset
import TestSupport
import Wire

@testable import Context

/// A keeper with workers that are engines and no more, on a clock moved by hand.
final class KeeperBench {
  let keeper: RuleKeeper
  private var engines: [EngineBox] = []
  var now = Instant(nanoseconds: 1_000_000_000)

  private final class EngineBox {
    var engine: RuleEngine
    var isClosed = false
    init(_ engine: consuming RuleEngine) { self.engine = engine }
  }

  init(workers: Int = 2, _ change: (inout RuleKeeper.Options) -> Void = { _ in }) throws {
    var options = RuleKeeper.Options(ports: ["eth0", "eth1"], pairs: [0: 1, 1: 0], workers: workers)
    change(&options)
    keeper = RuleKeeper(options)
    try keeper.begin(with: nil, at: now)
    for worker in 0..<workers {
      engines.append(EngineBox(keeper.engine(worker: worker)))
      adopt(keeper.setup, worker)
    }
  }

  private func adopt(_ setup: RuleSetup, _ worker: Int) {
    engines[worker].engine.adopt(setup.view)
    engines[worker].isClosed = setup.isClosed
  }

  /// All workers take a change over, one after the other.
  func carryOut(_ change: RuleChange) {
    keeper.begin(change, at: now)
    if let setup = change.setup { for worker in engines.indices { adopt(setup, worker) } }
    keeper.finish(change, at: now)
  }

  func load(_ text: String, confirm: UInt64? = nil) throws {
    carryOut(try keeper.load(RuleTexts(text, name: "rules"), confirmation: confirm.map { .seconds($0) }, at: now))
  }

  @discardableResult
  func run(_ text: String, _ options: ListOptions = ListOptions(), echoes: Bool = false) throws -> String {
    let change = try keeper.run(RuleTexts(text), options: options, echoes: echoes, at: now)
    carryOut(change)
    return change.output
  }

  func list(_ command: String = "list ruleset", handles: Bool = false, stateless: Bool = false) throws -> String {
    var options = ListOptions()
    (options.handles, options.stateless) = (handles, stateless)
    return try keeper.list(RuleTexts(command), options: options, at: now)
  }

  /// What a worker says of a packet; it comes in by port 0 and leaves by port 1.
  @discardableResult
  func send(_ frame: Frame, worker: Int = 0, state: UInt8 = 8) -> String {
    if engines[worker].isClosed { return "closed" }
    let bytes = frame.bytes
    var summary = Summary()
    _ = unsafe Summary.read(bytes.span.bytes, frameLength: bytes.count, into: &summary)
    return unsafe bytes.withUnsafeBufferPointer { buffer in
      var packet = unsafe RulePacket(bytes: buffer.baseAddress!, count: bytes.count, summary: summary, ingress: 0)
      for hook in RuleHook.allCases where engines[worker].engine.has(hook) {
        if hook == .prerouting || hook == .forward || hook == .postrouting {
          packet.connection.isKnown = true
          packet.connection.state = state
          packet.connection.transport = summary.transport
        }
        if hook == .forward || hook == .postrouting { packet.egress = 1 }
        let decision = engines[worker].engine.judge(hook, &packet, at: now)
        if decision != .accept { return "\(decision)" }
      }
      return "accept"
    }
  }

  func tick() { for box in engines { box.engine.tick(at: now) } }

  static func tcp(_ port: UInt16) -> Frame {
    Datagram.ipv4(from: "10.0.0.1", to: "192.0.2.1").tcp(from: 4000, to: port, flags: .syn).frame()
  }
}
