// OracleSupport: what the kernel did with a capture, and whether we did the same.
//
// An `OracleCase` is a small capture with a name; a `Golden` is what Linux was seen to do with it: class and verdict of
// each packet, the connection table after it. `Replay` says how to play the case through the real forwarder and reads
// what came of it. `Comparison` lays the two side by side, by words that both can say: an `Entry` is one line.
import Foundation

/// A tracked connection in the words of ctnetlink, as the oracle and `dpdkfwd-stat dump ct --json` write it.
public struct Entry: Sendable, Equatable {
  public struct Tuple: Sendable, Equatable, Decodable {
    public var src: String
    public var dst: String
    public var proto: UInt8
    public var sport: UInt16?
    public var dport: UInt16?
    public var type: UInt8?
    public var code: UInt8?
    public var id: UInt16?
    public var zone: UInt16?

    public init(
      src: String, dst: String, proto: UInt8, ports: (UInt16, UInt16)? = nil,
      query: (type: UInt8, code: UInt8, id: UInt16)? = nil, zone: UInt16? = nil
    ) {
      (self.src, self.dst, self.proto, self.zone) = (src, dst, proto, zone)
      (sport, dport) = (ports?.0, ports?.1)
      (type, code, id) = (query?.type, query?.code, query?.id)
    }
  }

  public struct Count: Sendable, Equatable, Decodable {
    public var packets: UInt64
    public var bytes: UInt64

    public init(packets: UInt64, bytes: UInt64) { (self.packets, self.bytes) = (packets, bytes) }
  }

  public var original: Tuple
  public var reply: Tuple
  /// Of TCP and SCTP, by netfilter's name.
  public var state: String?
  /// netfilter's IPS_* bits by name.
  public var status: [String]
  public var mark: UInt32
  public var zone: UInt16
  /// 32 hexadecimal digits.
  public var labels: String?
  public var counts: (original: Count, reply: Count)?
  /// Which timer is armed.
  public var timer: String?

  public init(
    original: Tuple, reply: Tuple, state: String? = nil, status: [String], mark: UInt32 = 0, zone: UInt16 = 0,
    labels: String? = nil, counts: (original: Count, reply: Count)?, timer: String?
  ) {
    (self.original, self.reply, self.state, self.status) = (original, reply, state, status)
    (self.mark, self.zone, self.labels, self.counts, self.timer) = (mark, zone, labels, counts, timer)
  }

  /// Everything that a second implementation should reproduce, as the oracle writes it.
  public var line: String {
    var words = ["\(Self.name(of: original.proto)) \(original.line) | \(reply.line)"]
    if let state { words.append(state) }
    words.append("[\(status.filter { $0 != "CONFIRMED" }.joined(separator: ","))]")
    if mark != 0 { words.append("mark=\(mark)") }
    if zone != 0 { words.append("zone=\(zone)") }
    if let labels, labels.contains(where: { $0 != "0" }) { words.append("labels=\(labels)") }
    if let (original, reply) = counts {
      words.append("pkts=\(original.packets)/\(reply.packets) bytes=\(original.bytes)/\(reply.bytes)")
    }
    if let timer { words.append("timer=\(timer)") }
    return words.joined(separator: " ")
  }

  public static func == (a: Entry, b: Entry) -> Bool { a.line == b.line }

  static func name(of number: UInt8) -> String {
    [
      1: "icmp", 6: "tcp", 17: "udp", 33: "dccp", 47: "gre", 50: "esp", 51: "ah", 58: "icmpv6", 132: "sctp",
      136: "udplite",
    ][number] ?? "\(number)"
  }
}

extension Entry.Tuple {
  var line: String {
    let ends =
      if let sport, let dport {
        "\(src):\(sport)>\(dst):\(dport)"
      } else if let type, let code {
        "\(src)>\(dst) type=\(type) code=\(code) id=\(id ?? 0)"
      } else {
        "\(src)>\(dst)"
      }
    return zone.map { $0 == 0 ? ends : "\(ends)@z\($0)" } ?? ends
  }
}

extension Entry: Decodable {
  private enum Key: String, CodingKey {
    case orig, reply, status, mark, zone, labels, tcp, sctp, timer, timeout
    case countOriginal = "count_orig"
    case countReply = "count_reply"
  }
  private struct Machine: Decodable { let state: String? }

  public init(from decoder: any Decoder) throws {
    let object = try decoder.container(keyedBy: Key.self)
    original = try object.decode(Tuple.self, forKey: .orig)
    reply = try object.decode(Tuple.self, forKey: .reply)
    state =
      try object.decodeIfPresent(Machine.self, forKey: .tcp)?.state
      ?? object.decodeIfPresent(Machine.self, forKey: .sctp)?.state
    status = try object.decode([String].self, forKey: .status)
    mark = try object.decodeIfPresent(UInt32.self, forKey: .mark) ?? 0
    zone = try object.decodeIfPresent(UInt16.self, forKey: .zone) ?? 0
    labels = try object.decodeIfPresent(String.self, forKey: .labels)
    if let original = try object.decodeIfPresent(Count.self, forKey: .countOriginal) {
      counts = (original, try object.decode(Count.self, forKey: .countReply))
    }
    timer = try object.decodeIfPresent(String.self, forKey: .timer)
    if timer == nil, let seconds = try object.decodeIfPresent(UInt32.self, forKey: .timeout) {
      // Tables are read in the second after the packet; ours may be read in the same one.
      timer = OracleTimeouts.name(ofRemaining: seconds == 7777 ? 7776 : seconds)
    }
  }
}
