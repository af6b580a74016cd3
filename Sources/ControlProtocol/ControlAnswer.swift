public import JSONText

/// The answer to one request.
public struct ControlAnswer: Equatable, Sendable {
  public enum Outcome: Equatable, Sendable {
    case result(JSON)
    /// The code is a number: a newer forwarder may have others than `ControlCode`.
    case error(code: Int, message: String, data: JSON?)
  }

  /// Null when what failed could not be tied to a request: then it concerns the connection.
  public var id: RequestID
  public var outcome: Outcome

  public init(_ result: JSON, to id: RequestID) {
    self.id = id
    outcome = .result(result)
  }

  public init(_ error: ControlError, to id: RequestID) {
    self.id = id
    outcome = .error(code: error.code.rawValue, message: error.message, data: error.data)
  }

  /// Reads one; `nil` for what is no answer (JSON-RPC 2.0 §5).
  public init?(_ json: JSON) {
    guard json["jsonrpc"] == .text("2.0"), let id = json["id"].flatMap({ RequestID($0) }) else { return nil }
    self.id = id
    switch (json["result"], json["error"]) {
    case (let result?, nil): outcome = .result(result)
    case (nil, let error?):
      guard let code: Int = error["code"]?.asWhole(), let message = error["message"]?.asText else { return nil }
      outcome = .error(code: code, message: message, data: error["data"])
    default: return nil
    }
  }

  public var json: JSON {
    let outcome: (String, JSON) =
      switch outcome {
      case .result(let result): ("result", result)
      case .error(let code, let message, let data):
        (
          "error",
          .object(
            [("code", .signed(Int64(code))), ("message", .text(message))] + (data.map { [("data", $0)] } ?? []))
        )
      }
    return .object([("jsonrpc", .text("2.0")), outcome, ("id", id.json)])
  }
}
