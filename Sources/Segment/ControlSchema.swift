internal import CSegment

extension KindID {
  public static let control = KindID(rawValue: 28)
}

extension ForwarderSchema {
  /// What ended a client's connection, by its place in the record.
  public static let controlClosings = ["client", "too_large", "slow_request", "unread", "idle", "stopped"]
  /// What clients were told, by its place in the record.
  public static let controlErrors = [
    "parse_error", "invalid_request", "method_not_found", "invalid_parameters", "internal_error", "forbidden", "busy",
    "exists", "not_found", "no_room", "unsupported", "too_large", "timeout",
  ]

  static var controlEnumerations: [Enumeration] {
    [
      Enumeration(Names.controlClosing, "closing", controlClosings),
      Enumeration(Names.controlError, "error", controlErrors),
    ]
  }

  static func control() -> Kind {
    let of = FieldsOf<dpdkfwd_control_record>(metric: "control", since: sinceRules)
    return Kind(
      .control, "control", since: sinceRules, stride: MemoryLayout<dpdkfwd_control_record>.stride,
      help: "What came by the control sockets",
      fields: [
        of.gauge(1, "open", \.open, "connections", "Connections of clients that are served"),
        of.counter(2, "accepted", \.accepted, "connections", "Connections that were served, now and before"),
        of.counter(3, "full", \.full, "connections", "Connections refused since too many were served"),
        of.counter(4, "strangers", \.strangers, "connections", "Connections refused for who asked"),
        of.counter(
          5, "closed", \.closed, "connections", "Connections that ended, by what ended them",
          labels: Names.controlClosing, count: controlClosings.count),
        of.counter(6, "requests", \.requests, "requests", "Requests and notifications that were well formed"),
        of.counter(
          7, "errors", \.errors, "errors", "What was refused or failed, told or not", labels: Names.controlError,
          count: controlErrors.count),
        of.counter(8, "pauses", \.pauses, "count", "Times that a client was too fast and had to wait"),
        of.counter(9, "bytes_in", \.bytes_in, "bytes", "Bytes that clients sent"),
        of.counter(10, "bytes_out", \.bytes_out, "bytes", "Bytes that clients were sent and took"),
      ])
  }
}
