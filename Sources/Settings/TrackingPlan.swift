internal import Primitives

extension Plan {
  /// The memory of connection tracking.
  public struct Tracking: Equatable, Sendable {
    public static let connectionBytes = 128
    public static let extensionBytes = 64
    /// Of an entry in the index.
    public static let entryBytes = 16

    public let workers: Int
    /// Of each worker.
    public let connections: Int
    public let extensions: Int
    /// One a connection; two when zones are split, since each direction then has a tuple of its own.
    public let indexEntries: Int

    /// In the segment.
    public var bytesPerWorker: Int { connections * Self.connectionBytes + extensions * Self.extensionBytes }
    /// In the worker's own memory.
    public var indexBytesPerWorker: Int { indexEntries * Self.entryBytes }
    public var bytes: Int { workers * (bytesPerWorker + indexBytesPerWorker) }
  }

  /// What connection tracking needs on these workers; `nil` when it is off.
  public var tracking: Tracking? {
    let tracking = settings.tracking
    guard tracking.isEnabled else { return nil }
    let isSplit = tracking.zones.contains { $0.sides != .both }
    return Tracking(
      workers: workers.count, connections: tracking.connections, extensions: tracking.extensionCount,
      indexEntries: tracking.connections * (isSplit ? 2 : 1))
  }
}

// MARK: Words

extension Plan {
  /// What the plan's text says of it.
  var trackingLines: [String] {
    guard let tracking else { return ["off: packets cross without regard to connections"] }
    return [
      "\(tracking)", caching, pressure, "new connections: \(newPolicy)",
      "packets with a wrong transport checksum: \(settings.trackingChecksum ? "invalid" : "tracked like others")",
    ] + settings.tracking.zones.map(line)
  }

  private var caching: String {
    guard settings.tracking.cache else { return "outcomes are not remembered" }
    return switch settings.tracking.cacheAfter {
    case .assured: "outcomes are remembered once a connection is assured"
    case .reply: "outcomes are remembered once a reply was seen"
    case .confirmed: "outcomes are remembered from the first packet on"
    }
  }

  private var pressure: String {
    let own = settings.tracking
    let limits = [
      own.connectionsTotal.map { "\($0) in all" }, own.zoneLimit.map { "\($0) a zone" },
      own.sourceLimit.map { "\($0) an address" },
    ].compactMap(\.self)
    return "\(own.reserve) % for assured connections only, a sweep in \(own.sweepInterval.seconds) s, "
      + (limits.isEmpty ? "no further limit" : "at most " + limits.joined(separator: ", "))
  }

  private var newPolicy: String {
    guard settings.new == .accept else { return "dropped" }
    let dropping = settings.newDropPorts.sorted().map(String.init).joined(separator: ", ")
    return dropping.isEmpty ? "accepted" : "accepted, but dropped from port \(dropping)"
  }

  private func line(_ zone: ZoneSettings) -> String {
    func list(_ name: String, _ numbers: [Int]) -> String? {
      numbers.isEmpty ? nil : "\(name) \(numbers.map(String.init).joined(separator: "+"))"
    }
    let limit = settings.tracking.limit(zone: zone.id).map { "at most \($0) connections" }
    let words = [
      list("port", zone.ports), list("VLAN", zone.vlans),
      zone.sides == .both ? nil : "in the \(zone.sides) direction", limit,
      settings.tracking.policy(zone: zone.id).isAsymmetric == true ? "asymmetric" : nil,
    ].compactMap(\.self)
    return "zone \(zone.id): " + (words.isEmpty ? "no packets of its own" : words.joined(separator: ", "))
  }
}

extension Plan.Tracking: CustomStringConvertible {
  public var description: String {
    "\(connections) connections and \(extensions) extensions a worker: \(Self.connectionBytes) bytes a connection and "
      + "\(indexEntries / max(1, connections) * Self.entryBytes) in the index, \(Self.extensionBytes) an extension; "
      + "\(mebibytes(bytesPerWorker)) of segment and \(mebibytes(indexBytesPerWorker)) of index, "
      + "with \(workers) worker\(workers == 1 ? "" : "s") \(mebibytes(bytes)) in all"
  }

  private func mebibytes(_ bytes: Int) -> String {
    let tenths = (bytes * 10 + (1 << 20) - 1) >> 20
    return "\(tenths / 10).\(tenths % 10) MiB"
  }
}
