internal import Glibc
internal import Synchronization

/// The terminal while a full screen is shown on it: no echo, keys one by one, the screen from before kept aside. All is
/// put back when it goes. Of signals only their arrival is noted, and only while it waits.
struct Terminal: ~Copyable {
  enum Event: Equatable {
    case key(Character)
    case resized
    /// Nothing came in time.
    case quiet
    /// A signal to end, or the terminal is gone.
    case ended
  }

  private let before: termios
  private let mask: sigset_t

  /// `nil` unless both input and output are a terminal.
  init?() {
    var settings = termios()
    guard isatty(STDOUT_FILENO) == 1, unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
    before = settings
    mask = Signals.hold()
    settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
    settings.c_iflag &= ~tcflag_t(IXON)
    unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
    Self.write("\u{1b}[?1049h\u{1b}[?25l")
  }

  deinit {
    Self.write("\u{1b}[?25h\u{1b}[?1049l")
    var settings = before
    unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
    Signals.release(mask)
  }

  var size: (columns: Int, rows: Int) {
    var size = winsize()
    guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return (80, 24)
    }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Waits for the next event, so many nanoseconds at most.
  func wait(_ nanoseconds: UInt64) -> Event {
    var input = fd_set()
    input.__fds_bits.0 = 1 << STDIN_FILENO
    var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    var open = mask
    let ready = unsafe pselect(STDIN_FILENO + 1, &input, nil, nil, &time, &open)
    switch Signals.taken() {
    case .some(SIGWINCH): return .resized
    case .some: return .ended
    case nil: break
    }
    guard ready > 0 else { return ready == 0 || errno == EINTR ? .quiet : .ended }
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = unsafe read(STDIN_FILENO, &bytes, bytes.count)
    guard count > 0 else { return .ended }
    // An arrow or a function key comes as several bytes, and means nothing here.
    return .key(count == 1 ? Character(Unicode.Scalar(bytes[0])) : " ")
  }

  func paint(_ lines: [LiveView.Line]) {
    let rows = lines.map { line in
      (line.isHead ? "\u{1b}[1m\(line.text)\u{1b}[0m" : line.text) + "\u{1b}[K"
    }
    Self.write("\u{1b}[H" + rows.joined(separator: "\r\n") + "\u{1b}[J")
  }

  private static func write(_ text: String) { writeAll(STDOUT_FILENO, text) }
}

/// Signals that end or resize: held back but while somebody waits for them.
private enum Signals {
  private static let arrived = Atomic<Int32>(0)
  private static let all = [SIGINT, SIGTERM, SIGHUP, SIGWINCH]

  /// Returns the mask from before.
  static func hold() -> sigset_t {
    _ = taken()
    var set = sigset_t()
    unsafe sigemptyset(&set)
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = { number in
      // What ends must not be lost behind a change of size.
      if number != SIGWINCH || Signals.arrived.load(ordering: .relaxed) == 0 {
        Signals.arrived.store(number, ordering: .relaxed)
      }
    }
    for number in all {
      unsafe sigaddset(&set, number)
      unsafe sigaction(number, &action, nil)
    }
    var before = sigset_t()
    unsafe pthread_sigmask(SIG_BLOCK, &set, &before)
    return before
  }

  static func release(_ mask: sigset_t) {
    for number in all { signal(number, SIG_DFL) }
    var mask = mask
    unsafe pthread_sigmask(SIG_SETMASK, &mask, nil)
  }

  static func taken() -> Int32? {
    let number = arrived.exchange(0, ordering: .relaxed)
    return number == 0 ? nil : number
  }
}

/// Writes all of a text to a descriptor at once, or as much as its reader takes.
func writeAll(_ descriptor: Int32, _ text: String) {
  let bytes = Array(text.utf8)
  var done = 0
  while done < bytes.count {
    let count = unsafe bytes[done...].withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 || errno == EINTR else { return }
    done += max(0, count)
  }
}
