// ControlProtocol: what is said on the control socket. JSON-RPC 2.0, a message a line: requests and batches of them one
// way, answers the other. A codec and no more: bytes in, values out, and back; sockets, time and limits on them belong to
// ControlServer and ControlClient.

public import JSONText

/// The codes of errors: those of JSON-RPC 2.0 §5.1 and, from -32000 down, the forwarder's own.
public enum ControlCode: Int, CaseIterable, Sendable {
  case parseError = -32700
  case invalidRequest = -32600
  case methodNotFound = -32601
  case invalidParameters = -32602
  case internalError = -32603

  /// The client, or this socket, may not do that.
  case forbidden = -32000
  /// Not now: too many of its kind are served.
  case busy = -32001
  case exists = -32002
  case notFound = -32003
  /// A table is full.
  case noRoom = -32004
  /// Known, and not to be had in this build or with these settings.
  case unsupported = -32005
  /// A request, a batch or an answer beyond its limit.
  case tooLarge = -32006
  /// Something was not done in the time it may take.
  case timeout = -32007
}

/// What a request is answered with when it fails.
public struct ControlError: Error, Equatable, Sendable {
  public var code: ControlCode
  /// A sentence for people, without a full stop.
  public var message: String
  /// More for programs.
  public var data: JSON?

  public init(_ code: ControlCode, _ message: String, data: JSON? = nil) {
    self.code = code
    self.message = message
    self.data = data
  }
}
