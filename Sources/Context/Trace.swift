internal import Pipeline
public import Rules
internal import Primitives
internal import Ruleset
internal import Wire

/// A step of a traced packet (`meta nftrace set 1`), as a worker told it.
public struct TracedStep: Sendable {
  /// The same in all steps of a packet.
  public var trace: UInt32
  /// Number of the ruleset, and the chain's place in it.
  public var program: UInt32
  public var chain: Int
  /// Of the rule that held; 0: the end of a chain.
  public var handle: UInt64
  public var verdict: TraceStep.Verdict
  public var ingress: UInt16
  public var egress: UInt16
  /// Its first bytes.
  public var frame: [UInt8]

  public init(
    trace: UInt32, program: UInt32, chain: Int, handle: UInt64, verdict: TraceStep.Verdict, ingress: UInt16,
    egress: UInt16, frame: [UInt8]
  ) {
    (self.trace, self.program, self.chain, self.handle) = (trace, program, chain, handle)
    (self.verdict, self.ingress, self.egress, self.frame) = (verdict, ingress, egress, frame)
  }
}

extension RuleKeeper {
  /// A step as `nft monitor trace` tells it, a line.
  ///
  /// - Parameter isFirst: of its packet: a line about that comes before.
  public func lines(of step: TracedStep, isFirst: Bool) -> [String] {
    let chains = step.program == inForce.setup.number ? inForce.issue?.program.chains ?? [] : []
    let place = chains.indices.contains(step.chain) ? chains[step.chain] : nil
    let number = String(step.trace, radix: 16)
    let head =
      "trace id \(String(repeating: "0", count: max(0, 8 - number.count)))\(number) "
      + (place?.description ?? "of an earlier ruleset, chain #\(step.chain)")
    let verdict: String
    switch step.verdict {
    case .policyAccept: verdict = "policy accept"
    case .policyDrop: verdict = "policy drop"
    default: verdict = "rule \(words(step.handle, place)) (verdict \(step.verdict))"
    }
    return (isFirst ? ["\(head) packet: \(words(step))"] : []) + ["\(head) \(verdict)"]
  }

  private func words(_ handle: UInt64, _ place: ChainPlace?) -> String {
    guard let place,
      let table = inForce.run.tables.first(where: { $0.family == place.family && $0.name == place.table }),
      let rule = table.chains.first(where: { $0.name == place.chain })?.rules.first(where: { $0.handle == handle })
    else { return "handle \(handle)" }
    return Rule.text([rule], in: table).first ?? "handle \(handle)"
  }

  private func words(_ step: TracedStep) -> String {
    func port(_ number: UInt16) -> String? {
      Int(number) < options.ports.count ? "\"\(options.ports[Int(number)])\"" : nil
    }
    var words = port(step.ingress).map { ["iif \($0)"] } ?? []
    if let out = port(step.egress) { words.append("oif \(out)") }
    var summary = Summary()
    _ = unsafe step.frame.withUnsafeBytes { bytes in
      unsafe Summary.read(RawSpan(_unsafeBytes: bytes), frameLength: bytes.count, into: &summary)
    }
    let at = Int(summary.networkOffset)
    func bytes(_ from: Int, _ count: Int) -> ArraySlice<UInt8> {
      step.frame[min(from, step.frame.count)...].prefix(count)
    }
    if summary.flags.contains(.ipv4), step.frame.count >= at + 20 {
      func address(_ from: Int) -> IPv4Address { IPv4Address(bits: bytes(from, 4).reduce(0) { $0 << 8 | UInt32($1) }) }
      words += ["ip saddr \(address(at + 12))", "ip daddr \(address(at + 16))"]
    } else if summary.flags.contains(.ipv6), step.frame.count >= at + 40 {
      func word(_ from: Int) -> UInt64 { bytes(from, 8).reduce(0) { $0 << 8 | UInt64($1) } }
      words += [
        "ip6 saddr \(IPv6Address(high: word(at + 8), low: word(at + 16)))",
        "ip6 daddr \(IPv6Address(high: word(at + 24), low: word(at + 32)))",
      ]
    } else {
      words.append("ether type 0x\(String(summary.etherType, radix: 16))")
    }
    switch summary.transport {
    case IPProtocol.tcp: words.append("tcp sport \(summary.sourcePort) tcp dport \(summary.destinationPort)")
    case IPProtocol.udp: words.append("udp sport \(summary.sourcePort) udp dport \(summary.destinationPort)")
    case 0: break
    default: words.append("meta l4proto \(summary.transport)")
    }
    return words.joined(separator: " ")
  }
}
