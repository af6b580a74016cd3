internal import CDPDK
internal import Synchronization
public import Logging

/// DPDK's own log lines, sent to the program's logger with the level DPDK gave them.
public enum LogBridge {
  private static let logger = Mutex<Logger?>(nil)

  /// Before `EAL.start`, whose first lines it should catch.
  public static func install(_ logger: Logger) throws(DataPlaneError) {
    cdpdk_settle_output()
    Self.logger.withLock { $0 = logger }
    let failed = unsafe cdpdk_log_bridge { level, text, length in
      let line = unsafe UnsafeRawBufferPointer(start: text, count: length)
      LogBridge.write(level: level, unsafe String(decoding: line, as: UTF8.self))
    }
    guard failed == 0 else { throw .call("log stream", cause: EAL.errorText(failed)) }
  }

  /// What DPDK complained of so far, the first few lines, so that an error can name its cause; `nil` for nothing.
  static var complaint: String? { complaints.withLock { $0.isEmpty ? nil : $0.joined(separator: "; ") } }
  private static let complaints = Mutex<[String]>([])

  /// What it complains of while `body` runs; of any thread, and the first few lines alone.
  static func complaint<Result>(during body: () -> Result) -> (result: Result, complaint: String?) {
    latest.withLock { $0 = [] }
    let result = body()
    return (result, latest.withLock { $0.isEmpty ? nil : $0.joined(separator: "; ") })
  }
  private static let latest = Mutex<[String]>([])

  private static func write(level: UInt32, _ text: String) {
    let level = Self.level(level)
    for line in text.split(separator: "\n") {
      if level >= .error {
        complaints.withLock { if $0.count < 3 { $0.append(String(line)) } }
        latest.withLock { if $0.count < 3 { $0.append(String(line)) } }
      }
      logger.withLock { $0?.log(level: level, "\(line)") }
    }
  }

  private static func level(_ dpdk: UInt32) -> Logger.Level {
    switch dpdk {
    case 1...3: .critical
    case 4: .error
    case 5: .warning
    case 6: .notice
    case 7: .debug  // what DPDK calls info is chatter of its start
    default: .trace
    }
  }
}
