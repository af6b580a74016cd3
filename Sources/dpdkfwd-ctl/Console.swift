internal import Glibc

/// Where a tool writes to: whole lines, in order.
struct Console: Sendable {
  let out: @Sendable (String) -> Void
  let error: @Sendable (String) -> Void

  static let standard = Console(
    out: { write($0, to: STDOUT_FILENO) }, error: { write($0, to: STDERR_FILENO) })

  private static func write(_ text: String, to file: Int32) {
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(file, $0.baseAddress! + written, $0.count - written)
      }
      if count < 0, errno == EINTR { continue }
      // Nobody reads any more: there is nobody to tell.
      guard count > 0 else { exit(1) }
      written += count
    }
  }
}

/// The text of a file; `-`: of standard input; `nil` if it cannot be read.
func text(ofFile path: String) -> String? { bytes(ofFile: path).map { String(decoding: $0, as: UTF8.self) } }

/// Why a file cannot be read, in the words of the system.
func systemCause(ofReading path: String) -> String {
  let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
  if file >= 0 {
    // What opens and cannot be read is a folder.
    var first: UInt8 = 0
    _ = unsafe read(file, &first, 1)
  }
  defer { if file >= 0 { close(file) } }
  return unsafe String(cString: strerror(errno))
}

/// The same in bytes.
func bytes(ofFile path: String) -> [UInt8]? {
  let file = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return nil }
  defer { if file != STDIN_FILENO { close(file) } }
  var bytes: [UInt8] = []
  var part = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = unsafe read(file, &part, part.count)
    if count == 0 { return bytes }
    if count < 0, errno != EINTR { return nil }
    bytes += part.prefix(max(0, count))
  }
}
