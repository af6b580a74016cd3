import CSegment
import Conntrack
import Foundation
import Testing
import TestSupport
import Wire

/// What Linux 6.18 said of the same packets: class of each, and state, status and timer of the entry after it.
struct TCPGoldenTests {
  /// Where we differ on purpose, by case and packet (counted from 1): what we say instead.
  static let accepted: [String: [Int: String]] = [
    // A FIN sent again is not the other side's.
    "tcp-40-fin-retransmit": [5: "est_o FIN_WAIT [SEEN_REPLY,ASSURED] tcp_fin_wait"],
    // A stale SYN ACK has moved no window.
    "tcp-60-old-synack": [
      4: "est_r SYN_RECV [SEEN_REPLY] tcp_syn_recv", 5: "est_o ESTABLISHED [SEEN_REPLY,ASSURED] tcp_established",
    ],
  ]

  @Test(.enabled(if: Shared.isThere), arguments: TCPCase.all)
  func `every packet is judged as Linux judged it`(_ story: TCPCase) throws {
    var timeouts = TimeoutTable()
    for timeout in Timeout.allCases { timeouts.set(timeout, seconds: TCPCase.seconds(timeout)) }
    var line = TCPLine(timeouts.lent)
    line.policy.tcpLiberal = story.setting("be_liberal") == 1
    line.policy.tcpLoose = story.setting("loose") != 0
    line.policy.tcpIgnoresInvalidReset = story.setting("ignore_invalid_rst") == 1
    line.policy.tcpMaxRetransmissions = story.setting("max_retrans") ?? 3
    let checksums = story.golden.sysctl["net/netfilter/nf_conntrack_checksum"] != 0
    var opener: Character?
    for (index, packet) in try Capture(contentsOf: story.capture).packets.enumerated() {
      let side = story.dirs[index]
      if !line.exists { opener = side }
      let direction: Direction = side == opener ? .original : .reply
      let said = Frame(packet.bytes).withSpan { frame -> String in
        var summary = Summary()
        _ = Summary.read(frame, frameLength: frame.byteCount, into: &summary)
        if checksums, summary.invalid == .none { summary.invalid = summary.verifyTransport(frame) }
        return line.send(frame, summary, direction)
      }
      if line.hasOpened { opener = side }
      let recorded = story.golden.packets[index]
      let expected =
        Self.accepted[story.name]?[index + 1]
        ?? (recorded.table.first.map { "\(recorded.class) \(TCPCase.words($0))" } ?? recorded.class)
      #expect(
        said + (line.exists ? " " + TCPCase.words(line) : "") == expected,
        "\(story.name), packet \(index + 1): \(recorded.frame)")
    }
    if Self.accepted[story.name] == nil { story.expectTable(line) }
    _ = consume timeouts
  }
}

/// A case of one connection, without rules or steps between its packets.
struct TCPCase: CustomTestStringConvertible, Sendable {
  let name: String
  let dirs: [Character]
  let golden: Golden

  var testDescription: String { name }
  var capture: URL { Shared.oracle!.appending(path: "cases/\(name).pcap") }

  func setting(_ name: String) -> UInt8? { golden.sysctl["net/netfilter/nf_conntrack_tcp_\(name)"] }

  struct Golden: Decodable, Sendable {
    let sysctl: [String: UInt8]
    let packets: [Packet]
    let finalTable: [Entry]
  }
  struct Packet: Decodable, Sendable {
    let frame: String
    let `class`: String
    let table: [String]
  }
  struct Entry: Decodable, Sendable { let tcp: TCP? }
  struct TCP: Decodable, Sendable {
    let wscaleOrig: UInt8
    let wscaleReply: UInt8
    let flagsOrig: [String]
    let flagsReply: [String]
  }

  /// The tuples of `tcp-23` and `tcp-53` are several, which is the table's business.
  static let all: [TCPCase] = {
    guard let oracle = Shared.oracle else { return [] }
    struct Story: Decodable { let dirs: String; let nft: String?; let steps: [String]? }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    func read<Value: Decodable>(_ path: String) -> Value? {
      (try? Data(contentsOf: oracle.appending(path: path))).flatMap { try? decoder.decode(Value.self, from: $0) }
    }
    let files = (try? FileManager.default.contentsOfDirectory(atPath: oracle.appending(path: "cases").path)) ?? []
    return files.sorted().compactMap { file in
      guard file.hasPrefix("tcp-"), file.hasSuffix(".json"), let story: Story = read("cases/\(file)"),
        story.nft == nil, story.steps == nil, let golden: Golden = read("golden/kernel/\(file)"),
        golden.packets.allSatisfy({ $0.table.count < 2 })
      else { return nil }
      return TCPCase(name: String(file.dropLast(5)), dirs: Array(story.dirs), golden: golden)
    }
  }()

  /// The oracle's timeouts: each of its own value, in the order of the defaults.
  static func seconds(_ timeout: Timeout) -> UInt32 {
    switch timeout {
    case .tcpClose: 10000
    case .tcpLastAck: 10100
    case .tcpSynReceived: 10200
    case .tcpCloseWait: 10300
    case .tcpSynSent: 10400
    case .tcpSynSent2: 120
    case .tcpFinWait: 10500
    case .tcpTimeWait: 10600
    case .tcpMaxRetransmissions: 10700
    case .tcpUnacknowledged: 10800
    default: 20000
    }
  }

  /// State, status and timer of a line of the recorded table.
  static func words(_ line: String) -> String {
    let words = line.split(separator: " ").map(String.init)
    let status = words.firstIndex { $0.hasPrefix("[") }!
    let timer = words.last!.dropFirst("timer=".count)
    // SYN_SENT2 has no sysctl, so it keeps its 120 seconds; the record counts them down.
    return "\(words[status - 1]) \(words[status]) \(timer.first!.isNumber ? "tcp_syn_sent2" : String(timer))"
  }
  static func words(_ line: TCPLine) -> String {
    let status = (line.hasReply ? ["SEEN_REPLY"] : []) + (line.isAssured ? ["ASSURED"] : [])
    return
      "\(line.tcpState.name) [\(status.joined(separator: ","))] \(line.armed!.name.replacing("_timeout", with: ""))"
  }

  /// Scales and flags of the sides at the end.
  func expectTable(_ line: TCPLine) {
    guard let recorded = golden.finalTable.first?.tcp else { return #expect(!line.exists) }
    #expect(line.tcp.scales == recorded.wscaleReply << 4 | recorded.wscaleOrig, "\(name): scales")
    #expect(Self.names(line.tcp.flags_original) == Set(recorded.flagsOrig), "\(name): flags of the original side")
    #expect(Self.names(line.tcp.flags_reply) == Set(recorded.flagsReply), "\(name): flags of the reply side")
  }

  private static func names(_ flags: UInt8) -> Set<String> {
    let names = ["WINDOW_SCALE", "SACK_PERM", "CLOSE_INIT", "BE_LIBERAL", "DATA_UNACKNOWLEDGED", "MAXACK_SET"]
    return Set(names.enumerated().filter { flags & 1 << $0.offset != 0 }.map(\.element))
  }
}
