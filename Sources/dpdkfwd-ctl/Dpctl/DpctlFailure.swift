internal import ControlClient
internal import ControlProtocol
internal import Segment

/// Why a verb is not carried out: what is printed, and the exit status, 2 as ovs-appctl has it where the other side says
/// no and 1 where there is no other side.
struct DpctlFailure: Error, Equatable {
  /// Of the form that Open vSwitch's has, where it has one.
  var text: String
  /// What the forwarder says beside it, or what can be done.
  var detail: String?
  var status: Int32 = 2
  /// Whether the words were wrong, so that usage helps (F6).
  var isUsage = false

  /// The number of words is wrong, or one of them is no option.
  static func usage(_ text: String) -> DpctlFailure { DpctlFailure(text: text, isUsage: true) }

  /// A word is not what it should be.
  static func invalid(_ text: String) -> DpctlFailure {
    DpctlFailure(text: "dpdkfwd-ctl: \(text) (Invalid argument)", isUsage: true)
  }

  static let noDatapath = invalid("datapath not found")

  static func refused(_ text: String, _ cause: String, detail: String? = nil) -> DpctlFailure {
    DpctlFailure(text: "dpdkfwd-ctl: \(text) (\(cause))", detail: detail)
  }

  /// - Parameter text: what Open vSwitch says when that fails.
  static func reading(_ text: String, _ error: SegmentError) -> DpctlFailure {
    switch error {
    // Nothing of the kind is kept: tracking, or reassembly, is off (F24).
    case .fields: .refused(text, "Operation not supported")
    case .noPermission(let path): .refused(text, "Permission denied", detail: "no permission for \(path)")
    default: DpctlFailure(text: "dpdkfwd-ctl: \(text) (\(error))", status: 1)
    }
  }

  static func asking(_ text: String, _ error: ControlClientError, isReadOnly: Bool = false) -> DpctlFailure {
    switch error {
    // F5.
    case .noPermission(let path):
      let need = isReadOnly ? "" : ", which verbs that change the forwarder need"
      return .refused(text, "Permission denied", detail: "no permission to use \(path)\(need)")
    case .answered(let code, let message, _):
      return .refused(text, cause(ControlCode(rawValue: code)), detail: message)
    default: return DpctlFailure(text: "dpdkfwd-ctl: \(error)", status: 1)
    }
  }

  /// In the words of strerror(3), as Open vSwitch puts it.
  private static func cause(_ code: ControlCode?) -> String {
    switch code {
    case .unsupported, .methodNotFound: "Operation not supported"
    case .invalidParameters: "Invalid argument"
    case .forbidden: "Permission denied"
    case .noRoom: "Operation not permitted"
    case .notFound: "No such file or directory"
    case .exists: "File exists"
    case .busy: "Device or resource busy"
    case .tooLarge: "Message too long"
    case .timeout: "Connection timed out"
    case .parseError, .invalidRequest, .internalError, nil: "Input/output error"
    }
  }
}
