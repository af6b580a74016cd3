public import JSONText
public import Segment

/// What `ipf-get-status` prints: the block of Open vSwitch, line by line, and behind it what it does not know.
public struct FragmentStatus {
  private let heading: Heading
  private let reassembly: Reassembly
  /// `nil` unless they were asked for.
  private let lists: [FragmentList]?

  /// - Parameters:
  ///   - zone: the lists of which zone; `nil`: of all.
  ///   - more: how often more was asked for: the lists, and those in full.
  public init(_ heading: Heading, zone: UInt16?, more: Int, json: Bool) throws(SegmentError) {
    self.heading = heading
    reassembly = try Reassembly(heading.reader)
    lists = more == 0 ? nil : try FragmentDump(heading, zone: zone, inFull: more > 1 || json).lists
  }

  /// A figure, as the text and as JSON call it.
  private struct Line {
    enum Unit { case none, percent, milliseconds }

    let name: String
    let member: String
    let value: UInt64
    var unit = Unit.none

    var text: String {
      switch unit {
      case .none: "\(name): \(value)"
      case .percent: "\(name): \(value)%"
      case .milliseconds: "\(name): \(decimal(value / 100, digits: 1)) s"
      }
    }
  }

  // MARK: Figures

  /// F8 to F11.
  private var openVSwitch: [Line] {
    [
      Line(name: "v4 enabled", member: "v4_enabled", value: reassembly.most("v4_enabled")),
      Line(name: "v6 enabled", member: "v6_enabled", value: reassembly.most("v6_enabled")),
      Line(name: "max num frags (v4/v6)", member: "max_num_frags", value: reassembly.sum("fragments_limit")),
      Line(name: "num frag", member: "num_frag", value: reassembly.sum("fragments")),
    ] + family("v4", \.ipv4) + family("v6", \.ipv6)
  }

  private static let openVSwitchEvents = ["accepted", "completed", "expired", "too_small", "overlapped", "purged"]

  private func family(_ name: String, _ count: KeyPath<Reassembly.Event, UInt64>) -> [Line] {
    let smallest = Line(
      name: "min \(name) frag size", member: "min_\(name)_frag_size", value: reassembly.most("\(name)_smallest"))
    return [smallest]
      + Self.openVSwitchEvents.map { event in
        Line(
          name: "\(name) frags \(event.spaced)", member: "\(name)_frags_\(event)",
          value: reassembly.fragments.first { $0.name == event }?[keyPath: count] ?? 0)
      }
  }

  /// F44: what bounds it, how far that is used, and the most that a worker ever used.
  private var bounds: [Line] {
    func gauge(_ name: String, _ field: String) -> [Line] {
      [
        Line(name: "num \(name)", member: "num_\(field)", value: reassembly.sum(field)),
        Line(name: "max num \(name)", member: "max_num_\(field)", value: reassembly.sum("\(field)_limit")),
        Line(name: "most \(name) of a core", member: "most_\(field)", value: reassembly.most("\(field)_max")),
      ]
    }
    func most(_ name: String, _ member: String, _ field: String, _ unit: Line.Unit = .none) -> Line {
      Line(name: name, member: member, value: reassembly.most(field), unit: unit)
    }
    return [most("most frags of a core", "most_frags", "fragments_max")]
      + gauge("datagrams", "datagrams")
      + [Line(name: "num discarded datagrams", member: "num_discarded", value: reassembly.sum("discarded"))]
      + gauge("mbufs", "mbufs") + gauge("bytes", "bytes")
      + [
        most("max num frags of a datagram", "max_num_frags_of_datagram", "per_datagram"),
        most("max num frags of a source", "max_num_frags_of_source", "source_limit"),
        most("most mbufs of a source", "most_mbufs_of_source", "source_max"),
        most("high watermark", "high_watermark_percent", "high_watermark", .percent),
        most("low watermark", "low_watermark_percent", "low_watermark", .percent),
        most("v4 timeout", "v4_timeout_ms", "v4_timeout", .milliseconds),
        most("v6 timeout", "v6_timeout_ms", "v6_timeout", .milliseconds),
      ]
  }

  // MARK: Text

  public var text: String {
    let title = "Fragmentation Module Status"
    let dashes = String(repeating: "-", count: title.count)
    let lines = [title, dashes] + (openVSwitch + bounds).map(\.text) + events
    return lines.map(Self.indented).joined() + (lists.map(Self.text) ?? "")
  }

  /// F46: what else was counted.
  private var events: [String] {
    let further = reassembly.fragments.filter { !Self.openVSwitchEvents.contains($0.name) }
    return [("v4", \Reassembly.Event.ipv4), ("v6", \.ipv6)].flatMap { family, count in
      [("frags", further), ("datagrams", reassembly.datagrams)].flatMap { what, events in
        events.filter { $0[keyPath: count] != 0 }.map {
          "\(family) \(what) \($0.name.spaced): \($0[keyPath: count])"
        }
      }
    }
  }

  private static func text(_ lists: [FragmentList]) -> String {
    "\n" + indented("Fragment Lists:") + "\n" + lists.map { $0.line + "\n" }.joined()
  }

  private static func indented(_ line: String) -> String { String(repeating: " ", count: 8) + line + "\n" }

  // MARK: JSON

  public var json: JSON {
    .object(
      heading.members + (openVSwitch + bounds).map { ($0.member, .unsigned($0.value)) } + [
        ("fragments", Reassembly.json(reassembly.fragments)), ("datagrams", Reassembly.json(reassembly.datagrams)),
      ] + (lists.map { [("lists", .array($0.map(\.json)))] } ?? []))
  }
}

extension String {
  /// A metric's word as a person writes it.
  fileprivate var spaced: String { replacing("_", with: " ") }
}
