internal import Glibc
public import JSONText
internal import NIOCore

/// Why there is no answer, or not the one hoped for.
public enum ControlClientError: Error, Equatable, Sendable {
  /// Nobody serves the prefix.
  case notRunning(path: String, prefix: String)
  case noPermission(path: String)
  /// Connecting failed otherwise.
  case failed(path: String, cause: String)
  /// The connection ended before the answer.
  case closed
  case timeout
  case answerTooLong(limit: Int)
  /// The server speaks another language.
  case garbled(String)
  /// The server says no: a `ControlCode`, or one that a newer server has.
  case answered(code: Int, message: String, data: JSON?)

  static func connecting(to path: String, _ prefix: String, _ error: any Error) -> ControlClientError {
    switch (error as? IOError)?.errnoCode {
    case ENOENT, ECONNREFUSED, ENOTDIR: .notRunning(path: path, prefix: prefix)
    case EACCES, EPERM: .noPermission(path: path)
    default: .failed(path: path, cause: "\(error)")
    }
  }
}

extension ControlClientError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notRunning(let path, let prefix):
      "no forwarder answers at \(path): is dpdkfwd running with --file-prefix \(prefix)?"
    case .noPermission(let path): "no permission to use \(path)"
    case .failed(let path, let cause): "cannot connect to \(path): \(cause)"
    case .closed: "the forwarder closed the connection"
    case .timeout: "the forwarder did not answer in time"
    case .answerTooLong(let limit): "the answer is longer than \(limit) bytes"
    case .garbled(let cause): "the forwarder's answer cannot be read: \(cause)"
    case .answered(let code, let message, _): "\(message) (\(code))"
    }
  }
}
