/// When workers write events: Linux's `nf_conntrack_events`.
public enum EventMode: String, CaseIterable, Sendable {
  /// While somebody has subscribed to them.
  case auto
  /// Always: NEW, UPDATE, DESTROY and what becomes of fragments.
  case on
  /// Never; nobody can subscribe.
  case off
}

/// What the operator chose for events: the table [events].
public struct EventSettings: Equatable, Sendable {
  public internal(set) var mode = EventMode.auto
  /// Events of connections that each worker keeps for readers, the newest ones.
  public internal(set) var ring = 65_536
  /// Connections that ended, kept by each worker until all who asked for that know of it.
  public internal(set) var dying = 16_384

  /// Events of fragments that each worker keeps.
  public static let fragmentRing = 1024
  static let eventBytes = 256
  static let dyingBytes = 264
  static let fragmentBytes = 72

  /// In the segment, for each worker.
  var bytes: Int {
    mode == .off ? 0 : ring * Self.eventBytes + dying * Self.dyingBytes + Self.fragmentRing * Self.fragmentBytes
  }
}

/// What the operator chose for the control socket: the table [control].
public struct ControlSettings: Equatable, Sendable {
  public internal(set) var isOn = true
  /// The folder of all forwarders' sockets.
  public internal(set) var folder = "/run/dpdkfwd"
  /// The group that may use the read-only socket, by name or number; `nil`: the process's.
  public internal(set) var group: String?
}

extension Plan {
  /// What the plan's text says of events and the control socket.
  var controlLines: [String] {
    let (events, control) = (settings.events, settings.control)
    let kept = "\(events.ring) events and \(events.dying) ends kept, \(events.bytes >> 20) MiB a worker"
    let words =
      switch events.mode {
      case .auto: "events are written while somebody has subscribed: \(kept)"
      case .on: "events are always written: \(kept)"
      case .off: "events are never written"
      }
    let socket =
      control.isOn
      ? "control sockets in \(control.folder): control for root and the forwarder's user, control-ro for group "
        + (control.group ?? "of the process")
      : "no control socket"
    return [socket, words]
  }
}
