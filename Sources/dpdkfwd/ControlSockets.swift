internal import Control
internal import ControlProtocol
internal import ControlServer
internal import DataPlane
internal import Logging
internal import Settings
internal import Synchronization

/// The control sockets of a run, from before the EAL starts until workers are told to end.
final class ControlSockets: Sendable {
  private let server: ControlServer
  private let prefix: String
  private let methods = Mutex<Methods?>(nil)

  /// `nil` when there are to be none.
  init?(_ settings: Settings, prefix: String, log: Logger) throws {
    guard settings.control.isOn, !settings.dryRun else { return nil }
    self.prefix = prefix
    let paths = try ControlPaths(root: settings.control.folder, prefix: prefix)
    var options = ControlOptions()
    options.group = settings.control.group
    options.owner = try Forwarder.user(settings)
    server = ControlServer(paths, options: options, log: log)
  }

  func open(_ forwarder: Forwarder, version: String) throws {
    let server = server
    let methods = try Methods(
      forwarder.site(prefix: prefix, version: version),
      Pacing(rest: { await server.rest($0) }, spawn: { server.spawn($0) }))
    self.methods.withLock { $0 = methods }
    try server.start(serving: methods)
  }

  /// Workers are about to end: who waits for them is told so, and the sockets go.
  func close() {
    methods.withLock { $0 }?.close()
    server.stop()
  }
}
