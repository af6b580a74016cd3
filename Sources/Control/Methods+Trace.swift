internal import Context
internal import ControlProtocol
internal import JSONText
internal import Rules
internal import Segment

// ruleset.trace: what rules said of packets that they trace.
extension Methods {
  /// Steps of one worker in one answer.
  private static let mostSteps = 256

  /// Steps since a position, as lines; without a position only where the next ones will be.
  func traces(_ parameters: Parameters) async throws(Fault) -> JSON {
    guard let office else { throw Fault(.unsupported, "there are no rules in this forwarder") }
    let kind = try translating { () throws(SegmentError) in
      try segment.kind("rule_trace", having: ["trace", "program", "chain", "handle", "verdict", "frame"])
    }
    var from: [UInt64]?
    if let json = parameters["from"] {
      guard let array = json.asArray, array.count == kind.shards, array.allSatisfy({ $0.asUInt64 != nil }) else {
        throw Fault(.invalidParameters, "from: expected \(kind.shards) numbers")
      }
      from = array.compactMap(\.asUInt64)
    }
    var steps: [TracedStep] = []
    var lost: UInt64 = 0
    var next: [UInt64] = []
    for shard in 0..<kind.shards {
      var ring = RingReader(segment, kind, shard: shard, from: from?[shard])
      guard from != nil else {
        next.append(ring.newest + 1)
        continue
      }
      for reading in ring.read(atMost: Self.mostSteps) {
        switch reading {
        case .lost(let range): lost += UInt64(range.count)
        case .entry(_, let record): if let step = TracedStep(record, kind) { steps.append(step) }
        }
      }
      next.append(ring.next)
    }
    let seen = steps
    let lines = try await office.alone(as: .question) { () async throws(Fault) in
      var lines: [String] = []
      var last: UInt32?
      for step in seen {
        lines += office.keeper.lines(of: step, isFirst: step.trace != last)
        last = step.trace
      }
      return lines
    }
    return .object([
      ("lines", .array(lines.map { .text($0) })), ("lost", .unsigned(lost)),
      ("next", .array(next.map { .unsigned($0) })),
    ])
  }
}

extension TracedStep {
  fileprivate init?(_ record: Record, _ kind: Kind) {
    func number(_ name: String) -> UInt64 { record.number(name) ?? 0 }
    guard let verdict = TraceStep.Verdict(rawValue: UInt8(truncatingIfNeeded: number("verdict"))),
      let frame = kind.field(named: "frame")
    else { return nil }
    self.init(
      trace: UInt32(truncatingIfNeeded: number("trace")), program: UInt32(truncatingIfNeeded: number("program")),
      chain: Int(number("chain")), handle: number("handle"), verdict: verdict,
      ingress: UInt16(truncatingIfNeeded: number("ingress")), egress: UInt16(truncatingIfNeeded: number("egress")),
      frame: Array(record.bytes(of: frame).prefix(Int(number("shown")))))
  }
}
