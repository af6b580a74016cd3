/// One thing wrong: where, with which key or option, and why.
public struct Fault: Equatable, Sendable {
  /// Counted from 1; `nil` for an option, and for a key whose line could not be found.
  public let line: Int?
  public let key: String
  public let message: String

  public init(line: Int? = nil, key: String, message: String) {
    self.line = line
    self.key = key
    self.message = message
  }
}

/// What is wrong with a settings file or with options, complete: a second run finds nothing more.
public enum SettingsError: Error, Equatable, Sendable {
  case unreadable(file: String, reason: String)
  /// Not TOML: nothing behind this place was read.
  case malformed(file: String, line: Int, column: Int, reason: String)
  case file(String, [Fault])
  case options([Fault])

  /// The exit status of sysexits.h: 64 for a bad command line, 78 for a bad settings file.
  public var exitStatus: Int32 {
    if case .options = self { 64 } else { 78 }
  }
}

extension SettingsError: CustomStringConvertible {
  /// One line for each fault: `FILE:LINE: key: why` or `--option: why`.
  public var description: String {
    switch self {
    case .unreadable(let file, let reason):
      return "\(file): \(reason)"
    case .malformed(let file, let line, let column, let reason):
      return "\(file):\(line):\(column): \(reason)"
    case .file(let file, let faults):
      return faults.map { fault in
        let line = fault.line.map { ":\($0)" } ?? ""
        return "\(file)\(line): \(fault.key): \(fault.message)"
      }.joined(separator: "\n")
    case .options(let faults):
      return faults.map { "\($0.key): \($0.message)" }.joined(separator: "\n")
    }
  }
}
