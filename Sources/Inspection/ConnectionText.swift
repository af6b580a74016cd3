internal import Glibc
public import Segment

/// Writes connections as lines of `conntrack -L`, and what happens to them as lines of `conntrack -E`, down to their
/// spaces.
public struct ConnectionText: Sendable {
  /// The words of `-o` that add to lines, as conntrack(8) has them. `userspace` adds nothing: who asked for something
  /// is always said.
  public enum Part: String, CaseIterable, Sendable {
    case extended, id, timestamp, labels, ktimestamp, userspace
  }

  private let parts: Set<Part>
  /// Nanoseconds since 1970, for ages.
  private let now: UInt64
  private let labelNames: [Int: String]
  private let style: EventStyle

  /// - Parameters:
  ///   - now: seconds since 1970, for the ages of what is listed.
  ///   - labelNames: of the bits of labels, for who knows some: the others are not shown then, as for Linux.
  ///   - style: of events.
  public init(
    _ parts: Set<Part>, now: UInt64 = 0, labelNames: [Int: String] = [:], style: EventStyle = .conntrack
  ) {
    self.parts = parts
    self.now = now * 1_000_000_000
    self.labelNames = labelNames
    self.style = style
  }

  /// Without a newline.
  public func line(_ connection: Connection) -> String {
    var line = Line()
    add(connection, Shown(connection, parts, now: now), to: &line)
    return line.text
  }

  /// Without a newline.
  public func line(_ event: ConnectionEvent) -> String {
    var line = Line()
    if parts.contains(.timestamp) { line.begin(Self.stamp(event.at)) }
    line.begin(Self.tag(event.kind.tag))
    add(event.connection, Shown(event, parts, style), to: &line)
    return line.text + event.trailer
  }

  public func line(_ event: FragmentListEvent) -> String {
    (parts.contains(.timestamp) ? Self.stamp(event.at) : "") + Self.tag("FRAGS") + " " + event.text
  }

  // MARK: Parts of lines

  private func add(_ connection: Connection, _ shown: Shown, to line: inout Line) {
    if parts.contains(.extended) {
      line.add(padded: connection.isIPv6 ? "ipv6" : "ipv4")
      line.add(connection.isIPv6 ? "\(AF_INET6)" : "\(AF_INET)")
    }
    line.add(padded: Self.name(of: connection.protocol))
    line.add("\(connection.protocol)")
    if shown.timeout { line.add("\(connection.remaining / 1000)") }
    if shown.state, let state = ConnectionWords.state(connection.state, of: connection.protocol) { line.add(state) }
    let zones = Zones(connection)
    add(connection.original, of: connection, to: &line)
    if let zone = zones.original { line.add("zone-orig=", zone) }
    if shown.counts { add(connection.counts.original, to: &line) }
    if shown.flags, connection.status & Connection.Status.seenReply == 0 { line.add("[UNREPLIED]") }
    add(connection.reply, of: connection, to: &line)
    if let zone = zones.reply { line.add("zone-reply=", zone) }
    if shown.counts { add(connection.counts.reply, to: &line) }
    if shown.flags, let flag = Self.flag(connection.status) { line.add(flag) }
    if shown.mark { line.add("mark=", connection.mark) }
    if let zone = zones.both { line.add("zone=", zone) }
    addTrailer(connection, shown, to: &line)
  }

  private func addTrailer(_ connection: Connection, _ shown: Shown, to line: inout Line) {
    if let age = connection.age(shown) { line.add("delta-time=", age) }
    if shown.start { line.add("[start=" + Self.date(UInt64(connection.start)) + "]") }
    if shown.start, let stop = shown.stop { line.add("[stop=" + Self.date(stop / 1_000_000_000) + "]") }
    if shown.use { line.add("use=1") }
    if shown.id { line.add("id=", connection.id.rawValue) }
    if shown.labels {
      // Labels of which none has a name are no more than said to be there.
      let words = connection.labels.words(labelNames)
      line.add(words.isEmpty ? "labels" : "labels=" + words.joined(separator: ","))
    }
    if !shown.changes.isEmpty {
      let names = ConnectionWords.changes.names(ofBits: UInt64(shown.changes.rawValue))
      line.add("changed=" + names.joined(separator: ","))
    }
  }

  private func add(_ tuple: Connection.Tuple, of connection: Connection, to line: inout Line) {
    line.add("src=" + text(of: tuple.source, isIPv6: connection.isIPv6))
    line.add("dst=" + text(of: tuple.destination, isIPv6: connection.isIPv6))
    switch Connection.names(of: connection.protocol) {
    case .query:
      line.add("type=", tuple.destinationPort >> 8)
      line.add("code=", tuple.destinationPort & 0xff)
      line.add("id=", tuple.sourcePort)
    case .keys:
      line.add("srckey=0x" + String(tuple.sourcePort, radix: 16))
      line.add("dstkey=0x" + String(tuple.destinationPort, radix: 16))
    case .ports, .ignored:
      line.add("sport=", tuple.sourcePort)
      line.add("dport=", tuple.destinationPort)
    case .none: break
    }
  }

  private func add(_ count: Connection.Count, to line: inout Line) {
    line.add("packets=", count.packets)
    line.add("bytes=", count.bytes)
  }

  private static func flag(_ status: UInt16) -> String? {
    if status & Connection.Status.offloadedToHardware != 0 { return "[HW_OFFLOAD]" }
    if status & Connection.Status.offloaded != 0 { return "[OFFLOAD]" }
    return status & Connection.Status.assured == 0 ? nil : "[ASSURED]"
  }

  /// In brackets, at the right of nine columns.
  private static func tag(_ name: String) -> String {
    String(repeating: " ", count: max(0, 7 - name.utf8.count)) + "[" + name + "]"
  }

  private static func stamp(_ nanoseconds: UInt64) -> String {
    func padded(_ number: UInt64, _ digits: Int) -> String {
      let text = "\(number)"
      return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
    return "[\(padded(nanoseconds / 1_000_000_000, 8)).\(padded(nanoseconds / 1000 % 1_000_000, 6))]\t"
  }

  /// As ctime(3) writes it, in local time.
  private static func date(_ seconds: UInt64) -> String {
    var parts = unsafe localTime(seconds)
    var text = [UInt8](repeating: 0, count: 64)
    let count = unsafe text.withUnsafeMutableBytes {
      unsafe strftime($0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count, "%a %b %e %H:%M:%S %Y", &parts)
    }
    return String(decoding: text.prefix(count), as: UTF8.self)
  }

  /// What conntrack calls a protocol: the rest is unknown to it.
  public static func name(of protocol: UInt8) -> String {
    if case .none = Connection.names(of: `protocol`) { return "unknown" }
    return ConnectionWords.protocols.name(of: UInt64(`protocol`)) ?? "unknown"
  }
}

/// Words with spaces between them.
private struct Line {
  private(set) var text = ""

  /// What stands before the first word's space.
  mutating func begin(_ start: String) { text += start }

  mutating func add(_ word: String) {
    if !text.isEmpty { text += " " }
    text += word
  }

  mutating func add(_ name: String, _ number: some UnsignedInteger) {
    add(name)
    text += String(number)
  }

  /// In eight columns.
  mutating func add(padded name: String) {
    add(name)
    for _ in 0..<max(0, 8 - name.utf8.count) { text += " " }
  }
}

func localTime(_ seconds: UInt64) -> tm {
  var time = time_t(clamping: seconds)
  var parts = unsafe tm()
  unsafe localtime_r(&time, &parts)
  return unsafe parts
}

// MARK: What all renderings know

/// Zones that are not the usual one, as they are shown: of both directions, or of each where they differ.
struct Zones {
  var both: UInt16?
  var original: UInt16?
  var reply: UInt16?

  init(_ connection: Connection) {
    let (first, second) = (connection.original.zone, connection.reply.zone)
    if first == second {
      both = first == 0 ? nil : first
    } else {
      (original, reply) = (first == 0 ? nil : first, second == 0 ? nil : second)
    }
  }
}

extension Connection {
  /// Seconds since it began.
  func age(_ shown: Shown) -> UInt64? {
    shown.age.map { $0 / 1_000_000_000 > start ? $0 / 1_000_000_000 - UInt64(start) : 0 }
  }
}

extension Connection.Labels {
  /// The names of bits, or their numbers where no names are known at all.
  func words(_ names: [Int: String]) -> [String] {
    names.isEmpty ? bits.map(String.init) : bits.compactMap { names[$0] }
  }
}

extension ConnectionEvent.Kind {
  var tag: String {
    switch self {
    case .new: "NEW"
    case .update: "UPDATE"
    case .destroy: "DESTROY"
    }
  }
}

extension ConnectionEvent {
  /// Who asked for it: conntrack's words, whose port is the process that asked.
  var trailer: String {
    guard originator == .request, client != 0 else { return "" }
    return " [USERSPACE] portid=\(client)" + (programName(of: client).map { " progname=\($0)" } ?? "")
  }
}

/// What a process is called, while it lives.
private func programName(of process: UInt32) -> String? {
  let file = unsafe open("/proc/\(process)/comm", O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return nil }
  defer { close(file) }
  var bytes = [UInt8](repeating: 0, count: 64)
  let count = unsafe read(file, &bytes, bytes.count)
  let name = bytes.prefix(max(0, count)).prefix { $0 > 0x20 && $0 < 0x7f }
  return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
}
