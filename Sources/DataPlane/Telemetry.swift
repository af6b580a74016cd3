internal import CDPDK
internal import Glibc
internal import Logging
internal import Segment
internal import Synchronization

/// The forwarder's commands on DPDK's telemetry socket: `/dpdkfwd/info`, `/dpdkfwd/list` and one for each group of
/// counters, all read from the segment as any reader would.
///
/// They are asked on DPDK's own threads, in the order of connections and beside each other, and DPDK forgets no command:
/// what answers them stays, segment and all, until the process ends, and goes on to answer when the forwarder has
/// stopped. Without a telemetry socket nobody asks.
struct Telemetry: Sendable {
  private let reader: SegmentReader
  private let groups: [TelemetryGroup]

  init(_ reader: SegmentReader) {
    self.reader = reader
    groups = TelemetryGroup.all(of: reader.schema)
  }

  private static let folder = "/dpdkfwd/"

  /// All commands, with the help that DPDK's `/help` gives.
  var commands: [(name: String, help: String)] {
    let own = [
      ("info", "The forwarder, and whether it lives. Takes no parameters"),
      ("list", "The parameters that commands take first. Parameters: command, without /dpdkfwd/"),
    ]
    return (own + groups.map { ($0.name, $0.help) }).map { name, help in
      let text = TelemetryValue.ascii(help)
      let most = TelemetryValue.Limit.textBytes
      return (Self.folder + name, text.count <= most ? text : String(text.prefix(most - 3)) + "...")
    }
  }

  /// - Returns: `nil` for a command or a parameter that means nothing; DPDK then answers null.
  func answer(_ command: String, _ parameter: String?) -> TelemetryValue? {
    guard command.hasPrefix(Self.folder) else { return nil }
    switch command.dropFirst(Self.folder.count) {
    case "info": return parameter == nil ? info : nil
    case "list": return list(parameter)
    case let name:
      guard let group = groups.first(where: { $0.name == name }) else { return nil }
      return group.answer(parameter, reader.records(of: group.kind))
    }
  }

  /// What `dpdkfwd-stat --json` says in front of everything, by the same names.
  private var info: TelemetryValue {
    let info = reader.info
    let state = reader.state
    let lifetime = reader.lifetime + (state == .stopped ? 0 : reader.sinceLastBreath)
    return .named(
      [
        ("prefix", .text(of: info.prefix)), ("state", .text(of: state.map { "\($0)" } ?? "unknown")),
        ("pid", .unsigned(UInt64(info.pid))), ("version", .text(of: info.version)), ("layout", .text(of: info.layout)),
        ("boot_id", .text(of: "\(info.bootID)")), ("started_at_ns", .unsigned(info.started)),
      ] + (reader.stopped.map { [("stopped_at_ns", .unsigned($0))] } ?? []) + [
        ("lifetime_ns", .unsigned(lifetime)), ("since_last_breath_ns", .unsigned(reader.sinceLastBreath)),
        ("tsc_hz", .unsigned(info.tscHz)),
      ])
  }

  private func list(_ name: String?) -> TelemetryValue? {
    let groups = groups.filter { name == nil || $0.name == name }
    guard !groups.isEmpty else { return nil }
    let list = TelemetryValue.named(groups.map { ($0.name, .texts($0.parameters(reader.records(of: $0.kind)))) })
    return list.fits ? list : .tooMany(groups.count, insteadOf: name == nil ? groups.map(\.name) : [])
  }
}

// MARK: The border to DPDK

extension Telemetry {
  private static let current = Mutex<Telemetry?>(nil)

  /// Gives DPDK the commands; once in a process. What fails is logged: a forwarder forwards without them.
  ///
  /// - Parameter paths: of a segment that is there.
  static func offer(_ paths: SegmentPaths, log: Logger) {
    let telemetry: Telemetry
    do {
      telemetry = Telemetry(try SegmentReader(paths))
    } catch {
      return log.warning("no telemetry commands: \(error)")
    }
    current.withLock { $0 = telemetry }
    for (name, help) in telemetry.commands {
      let failed = unsafe rte_telemetry_register_cmd(name, asked, help)
      if failed != 0 { log.warning("no telemetry command \(name): \(EAL.errorText(failed))") }
    }
  }

  private static let asked: telemetry_cb = { command, parameter, data in
    guard let command = unsafe command, let data = unsafe data, let telemetry = current.withLock({ $0 }) else {
      return -EINVAL
    }
    let asked = unsafe parameter.map { unsafe String(cString: $0) }
    guard case .members(let members)? = unsafe telemetry.answer(String(cString: command), asked) else { return -EINVAL }
    var containers: [OpaquePointer] = unsafe []
    guard unsafe fill(data, members, &containers) else {
      unsafe containers.forEach { unsafe rte_tel_data_free($0) }
      return -ENOMEM
    }
    return 0
  }

  /// - Parameter containers: gets those that were made, which DPDK frees when it has sent them.
  private static func fill(
    _ data: OpaquePointer, _ members: [TelemetryValue.Member], _ containers: inout [OpaquePointer]
  ) -> Bool {
    unsafe rte_tel_data_start_dict(data)
    for member in members {
      let failed: Int32
      switch member.value {
      case .unsigned(let number): failed = unsafe rte_tel_data_add_dict_u64(data, member.name, number)
      case .signed(let number): failed = unsafe rte_tel_data_add_dict_int(data, member.name, number)
      case .text(let text): failed = unsafe rte_tel_data_add_dict_string(data, member.name, text)
      case .texts, .members:
        guard let container = unsafe rte_tel_data_alloc() else { return false }
        unsafe containers.append(container)
        guard unsafe fill(container, member.value, &containers) else { return false }
        failed = unsafe rte_tel_data_add_dict_container(data, member.name, container, 0)
      }
      guard failed == 0 else { return false }
    }
    return true
  }

  private static func fill(
    _ container: OpaquePointer, _ value: TelemetryValue, _ containers: inout [OpaquePointer]
  ) -> Bool {
    switch value {
    case .members(let members): return unsafe fill(container, members, &containers)
    case .texts(let texts):
      unsafe rte_tel_data_start_array(container, RTE_TEL_STRING_VAL)
      return texts.allSatisfy { unsafe rte_tel_data_add_array_string(container, $0) == 0 }
    case .unsigned, .signed, .text: return false
    }
  }
}
