internal import Context
internal import Control
internal import ControlProtocol
internal import ControlServer
internal import DataPlane
internal import Logging
internal import Settings
internal import Synchronization

/// The control of a run, and its sockets if there are to be any: from before the EAL starts until workers are told to
/// end.
final class ControlSockets: Sendable {
  private let server: ControlServer
  private let prefix: String
  private let listens: Bool
  private let log: Logger
  private let methods = Mutex<Methods?>(nil)

  /// `nil` when nothing is started.
  init?(_ settings: Settings, prefix: String, log: Logger) throws {
    guard !settings.dryRun else { return nil }
    self.prefix = prefix
    self.log = log
    listens = settings.control.isOn
    let paths = try ControlPaths(root: settings.control.folder, prefix: prefix)
    var options = ControlOptions()
    if listens {
      options.group = settings.control.group
      options.owner = try Forwarder.user(settings)
    }
    server = ControlServer(paths, options: options, log: log)
  }

  func open(_ forwarder: Forwarder, version: String) throws {
    let server = server
    let methods = try Methods(
      forwarder.site(prefix: prefix, version: version),
      Pacing(rest: { await server.rest($0) }, spawn: { server.spawn($0) }))
    self.methods.withLock { $0 = methods }
    if listens { try server.start(serving: methods) }
  }

  /// Loads the settings' rules anew.
  func reload(_ settings: Settings) {
    guard let file = settings.rules.file else {
      log.notice("SIGHUP: there is no file of rules to load anew ([rules] file)")
      return
    }
    guard let methods = methods.withLock({ $0 }) else { return }
    server.spawn { await methods.reload { () throws(RuleFailure) in try RuleTexts.read(file) } }
  }

  /// Workers are about to end: who waits for them is told so, and the sockets go.
  func close() {
    methods.withLock { $0 }?.close()
    server.stop()
  }
}
