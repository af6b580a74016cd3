import Foundation
import Glibc
import Segment
import Testing

/// The live view on a terminal.
@Suite struct TerminalTests {
  let fixture = Fixture()

  /// A pseudo terminal with the program on it, and what the program has painted so far.
  private final class Screen {
    let main: Int32
    let child: pid_t
    private(set) var painted = ""

    init(_ words: [String]) throws {
      var size = winsize(ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0)
      // What posix_openpt, unlockpt and ptsname do; Glibc's module does not have them.
      main = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
      var (locked, number) = (0 as Int32, 0 as Int32)
      let setLock: UInt = 0x4004_5431  // TIOCSPTLCK
      let getNumber: UInt = 0x8004_5430  // TIOCGPTN
      try #require(unsafe ioctl(main, setLock, &locked) == 0 && ioctl(main, getNumber, &number) == 0)
      try #require(unsafe ioctl(main, UInt(TIOCSWINSZ), &size) == 0)
      let name = "/dev/pts/\(number)"
      var actions = unsafe posix_spawn_file_actions_t()
      unsafe posix_spawn_file_actions_init(&actions)
      for descriptor in 0...2 as ClosedRange<Int32> {
        unsafe posix_spawn_file_actions_addopen(&actions, descriptor, name, O_RDWR, 0)
      }
      // The thread of a test may hold signals back, and its child would inherit that.
      var attributes = posix_spawnattr_t()
      var none = sigset_t()
      unsafe sigemptyset(&none)
      unsafe posix_spawnattr_init(&attributes)
      unsafe posix_spawnattr_setsigmask(&attributes, &none)
      unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
      var child: pid_t = 0
      let arguments = unsafe ([Fixture.binary] + words).map { unsafe strdup($0) } + [nil]
      defer { unsafe arguments.forEach { unsafe free($0) } }
      let failed = unsafe posix_spawn(&child, Fixture.binary, &actions, &attributes, arguments, environ)
      try #require(failed == 0)
      self.child = child
      _ = fcntl(main, F_SETFL, O_NONBLOCK)
    }

    deinit {
      kill(child, SIGKILL)
      close(main)
    }

    /// Reads until the text has been painted; `false` after some minutes.
    func wait(for text: String) -> Bool {
      var bytes = [UInt8](repeating: 0, count: 4096)
      for _ in 0..<15_000 {
        while case let count = unsafe read(main, &bytes, bytes.count), count > 0 {
          painted += String(decoding: bytes[..<count], as: UTF8.self)
        }
        if painted.contains(text) { return true }
        usleep(10_000)
      }
      return false
    }

    func clear() { painted = "" }
    func press(_ key: String) { _ = unsafe write(main, key, key.utf8.count) }

    func resize(_ columns: UInt16, _ rows: UInt16) {
      var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
      _ = unsafe ioctl(main, UInt(TIOCSWINSZ), &size)
      kill(child, SIGWINCH)
    }

    var settings: tcflag_t {
      var settings = termios()
      unsafe tcgetattr(main, &settings)
      return settings.c_lflag & tcflag_t(ICANON | ECHO | ISIG)
    }

    /// The status the program ended with; -1 when it goes on.
    func end() -> Int32 {
      var status: Int32 = -1
      for _ in 0..<15_000 where unsafe waitpid(child, &status, WNOHANG) == 0 { usleep(10_000) }
      return status
    }
  }

  private func screen() throws -> Screen { try Screen(["--root", fixture.root, "-f", "t", "--interval", "30"]) }

  @Test func `keys sort and change the interval, q ends it, and the terminal is as it was`() throws {
    let writer = try fixture.forwarder()
    let screen = try screen()
    let before = screen.settings
    #expect(screen.wait(for: "q quit"))
    #expect(screen.painted.contains("\u{1b}[?1049h") && screen.painted.contains("PORT  LINK"))
    #expect(screen.settings == 0)
    screen.press("-")
    #expect(screen.wait(for: "(15.00 s)"))
    screen.clear()
    screen.press("r")
    #expect(screen.wait(for: "q quit"))
    screen.clear()
    screen.resize(30, 10)
    #expect(screen.wait(for: "q quit"))
    #expect(!screen.painted.contains("(15.00 s)"))
    screen.press("q")
    #expect(screen.wait(for: "\u{1b}[?1049l"))
    #expect(screen.end() == 0)
    #expect(screen.settings == before)
    withExtendedLifetime(writer) {}
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func `a signal ends it and the terminal is as it was`(signal: Int32) throws {
    let writer = try fixture.forwarder()
    let screen = try screen()
    let before = screen.settings
    #expect(screen.wait(for: "q quit"))
    kill(screen.child, signal)
    #expect(screen.wait(for: "\u{1b}[?25h\u{1b}[?1049l"))
    #expect(screen.end() == 0)
    #expect(screen.settings == before)
    withExtendedLifetime(writer) {}
  }
}
