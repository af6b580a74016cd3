import Foundation
import TestSupport
import Testing
import Wire

/// The summaries of real captures against the facts that another decoder found in them.
@Suite(.enabled(if: Shared.isThere, "the corpus of real captures is not beside the package"))
struct CorpusTests {
  @Test(arguments: Shared.manifest)
  func `header faults, link layers, fragments and transport faults are those of the manifest`(
    known: CaptureFacts
  ) throws {
    let counts = try Counts(of: Capture(contentsOf: known.url))
    let facts = known.facts
    #expect(counts.ipv4Header == facts.ipv4Header)
    #expect(counts.ipv6Header == facts.ipv6Header)
    #expect(counts.ethertype == facts.l2.ethertype)
    #expect(counts.vlanTags == facts.l2.vlanTags)
    #expect(counts.runt == facts.l2.runt)
    #expect(counts.l3 == facts.l3)
    let fragments = try #require(FragmentFacts.all[known.file])
    for family in ["ipv4", "ipv6"] {
      // The manifest counts fragments whose header has a fault too; we look no further into such a packet.
      let unused = fragments.unused.filter { $0.key.hasPrefix(family) }.values.reduce(0, +)
      #expect(counts.fragments[family, default: 0] == fragments.all[family, default: 0] - unused)
    }
    #expect(counts.fragments["ipv6_atomic", default: 0] == fragments.all["ipv6_atomic", default: 0])
    let differences = Difference.all[known.file] ?? Difference()
    #expect(counts.transports == adding(differences.transports, to: facts.unfragmentedByProtocol))
    #expect(counts.l4Faults == adding(differences.l4Faults, to: facts.l4Faults))
    // The manifest sums datagrams that it has put together as well.
    if fragments.all["ipv4"] == 0, fragments.all["ipv6"] == 0 {
      #expect(counts.l4Checksums == adding(differences.l4Checksums, to: facts.l4Checksums))
    }
  }

  /// What we say more or less often than the manifest, and mean it.
  struct Difference {
    var transports: [String: Int] = [:]
    var l4Faults: [String: Int] = [:]
    var l4Checksums: [String: Int] = [:]

    /// The checksum of a datagram that has yet to visit another address covers its final destination, not the one in
    /// the header, with which the manifest finds it wrong; we do not judge it.
    static func sourceRouted(_ counts: [String: Int]) -> Difference {
      var difference = Difference()
      for (name, count) in counts {
        difference.l4Checksums["\(name)_bad"] = -count
        difference.l4Checksums["\(name)_ok"] = count
      }
      return difference
    }

    static let all = [
      "bad-ip_options.pcap": sourceRouted(["tcp": 2]),
      "ext6-mix_headers.pcap": sourceRouted(["udp": 1]),
      "ext6-options.pcap": sourceRouted(["udp": 1, "icmpv6": 1]),
      "ext6-srh.pcap": sourceRouted(["udp": 2, "icmpv6": 2]),
      // The manifest does not look into GRE.
      "bad-too_small_l4.pcap": Difference(l4Faults: ["gre_short": 2]),
      // A fragment header behind that of an atomic fragment: the manifest walks on, we stop there.
      "frag6-evasion_11.pcap": Difference(
        transports: ["icmpv6": -1, "44": 1], l4Checksums: ["icmpv6_ok": -1]),
    ]
  }
}

private func adding(_ changes: [String: Int], to counts: [String: Int]) -> [String: Int] {
  counts.merging(changes, uniquingKeysWith: +).filter { $0.value != 0 }
}

/// The manifest's words, counted from summaries.
private struct Counts {
  var ipv4Header: [String: Int] = [:]
  var ipv6Header: [String: Int] = [:]
  var ethertype: [String: Int] = [:]
  var vlanTags: [String: Int] = [:]
  var l3 = ["ipv4": 0, "ipv6": 0, "other": 0]
  var runt = 0
  var fragments: [String: Int] = [:]
  var transports: [String: Int] = [:]
  var l4Faults: [String: Int] = [:]
  var l4Checksums: [String: Int] = [:]

  init(of capture: Capture) {
    for frame in capture.frames {
      frame.withSpan { bytes in
        var summary = Summary()
        Summary.read(bytes, frameLength: bytes.byteCount, into: &summary)
        count(summary, bytes)
      }
    }
  }

  private mutating func count(_ summary: Summary, _ bytes: RawSpan) {
    vlanTags["\(summary.vlanCount)", default: 0] += 1
    ethertype[Self.word(forEtherType: summary), default: 0] += 1
    runt += summary.kind == .runt ? 1 : 0
    let family = summary.flags.contains(.ipv4) ? "ipv4" : summary.flags.contains(.ipv6) ? "ipv6" : "other"
    l3[family, default: 0] += 1
    guard family != "other" else { return }

    let fault = Self.words[summary.fault]!
    if family == "ipv4" {
      ipv4Header[fault, default: 0] += 1
    } else {
      ipv6Header[summary.flags.contains(.jumbogram) ? "jumbogram" : fault, default: 0] += 1
    }
    if summary.flags.contains(.atomicFragment) { fragments["ipv6_atomic", default: 0] += 1 }
    if summary.flags.contains(.fragment) { fragments[family, default: 0] += 1 }
    guard summary.fault == .none, !summary.flags.contains(.fragment) else { return }

    let name = Self.protocols[summary.transport] ?? "\(summary.transport)"
    transports[summary.invalid == .ipv6ChainCut ? "none(cut)" : name, default: 0] += 1
    if let word = Self.words(for: summary.invalid) { l4Faults[word, default: 0] += 1 }
    if summary.invalid == .none, ["tcp", "udp", "icmp", "icmpv6"].contains(name) {
      guard !["ipv4icmpv6", "ipv6icmp"].contains(family + name) else { return }
      let isMissing =
        name == "udp"
        && bytes.extracting(droppingFirst: Int(summary.transportOffset) + 6)
          .isZero(2)
      let verdict = isMissing ? "zero" : summary.verifyTransport(bytes) == .none ? "ok" : "bad"
      l4Checksums["\(name)_\(verdict)", default: 0] += 1
    }
  }

  private static func word(forEtherType summary: Summary) -> String {
    if summary.kind == .runt { return "none" }
    if summary.etherType < 0x600 { return "802.3" }
    let digits = String(summary.etherType, radix: 16)
    return "0x" + String(repeating: "0", count: 4 - digits.count) + digits
  }

  private static let words: [HeaderFault: String] = [
    .none: "ok", .ipv4Short: "short", .ipv4BadVersion: "bad_version", .ipv4BadHeaderLength: "bad_header_length",
    .ipv4HeaderBeyondFrame: "header_beyond_frame", .ipv4TotalLengthBelowHeader: "total_length_lt_header",
    .ipv4TotalLengthBeyondFrame: "total_length_gt_frame", .ipv4BadChecksum: "bad_checksum", .ipv6Short: "short",
    .ipv6BadVersion: "bad_version", .ipv6PayloadBeyondFrame: "payload_length_gt_frame",
  ]

  private static func words(for reason: InvalidReason) -> String? {
    switch reason {
    case .tcpShort: "tcp_short"
    case .tcpBadDataOffset: "tcp_bad_data_offset"
    case .udpShort: "udp_short"
    case .udpLengthBelowHeader: "udp_length_lt_8"
    case .udpLengthBeyondPayload: "udp_length_gt_payload"
    case .icmpShort: "icmp_short"
    case .icmpv6Short: "icmpv6_short"
    case .sctpShort: "sctp_short"
    case .greShort: "gre_short"
    // The manifest has the chain's faults elsewhere: among the protocols and the notes.
    default: nil
    }
  }

  private static let protocols: [UInt8: String] = [
    1: "icmp", 2: "igmp", 4: "ipip", 6: "tcp", 17: "udp", 33: "dccp", 41: "ipv6", 47: "gre", 50: "esp", 51: "ah",
    58: "icmpv6", 59: "nonext", 89: "ospf", 103: "pim", 108: "ipcomp", 112: "vrrp", 132: "sctp", 136: "udplite",
  ]
}

extension RawSpan {
  fileprivate func isZero(_ count: Int) -> Bool {
    for at in 0..<count where unsafe unsafeLoad(fromByteOffset: at, as: UInt8.self) != 0 { return false }
    return true
  }
}

/// The manifest's `fragments`: counts by family, and those of packets with a header fault.
private struct FragmentFacts: Decodable {
  var all: [String: Int] = [:]
  var unused: [String: Int] = [:]

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    for key in values.allKeys {
      if key.stringValue == "unused" {
        unused = try values.decode([String: Int].self, forKey: key)
      } else {
        all[key.stringValue] = try values.decode(Int.self, forKey: key)
      }
    }
  }

  struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  static let all: [String: FragmentFacts] = {
    struct Manifest: Decodable {
      struct File: Decodable {
        struct Facts: Decodable { let fragments: FragmentFacts }
        let file: String
        let facts: Facts
      }
      let files: [File]
    }
    guard let corpus = Shared.corpus, let data = try? Data(contentsOf: corpus.appending(path: "manifest.json")),
      let manifest = try? JSONDecoder().decode(Manifest.self, from: data)
    else { return [:] }
    return Dictionary(uniqueKeysWithValues: manifest.files.map { ($0.file, $0.facts.fragments) })
  }()
}
