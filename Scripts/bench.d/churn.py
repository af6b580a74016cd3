"""Connections opened and closed as fast as can be, while nobody, or everybody, watches."""
import re
import signal
import subprocess
import tempfile
import time

import sides
import window

# What each case has the forwarder told, and whether it is watched.
CASES = {'off': (['--events', 'off'], False), 'nobody': ([], False), 'written': (['--events', 'on'], False),
         'watched': ([], True)}


class Watchers:
    """Two who dump the table over and over, and three who follow its events, one of them stopped; all on one CPU."""

    def __init__(self, name, binaries, cpu):
        words = ['taskset', '-c', str(cpu), f'{binaries}/dpdkfwd-ctl', '-f', name, 'conntrack']
        self.said = [tempfile.TemporaryFile('w+') for _ in range(3)]
        self.followers = [subprocess.Popen([*words, '-E', '-o', 'id'], stdout=subprocess.DEVNULL, stderr=said)
                          for said in self.said]
        dump = ' '.join([*words, '-L'])
        self.dumps = [subprocess.Popen(['bash', '-c', f'while :; do {dump} >/dev/null 2>&1; done'])
                      for _ in range(2)]
        time.sleep(1)
        self.followers[2].send_signal(signal.SIGSTOP)

    def end(self):
        """How many events each saw, and how many it was told that it lost."""
        for dump in self.dumps:
            dump.terminate()
            dump.wait()
        self.followers[2].send_signal(signal.SIGCONT)
        time.sleep(1)
        for follower in self.followers:
            follower.send_signal(signal.SIGINT)
        counts = []
        for follower, said in zip(self.followers, self.said):
            try:
                follower.wait(20)
            except subprocess.TimeoutExpired:
                follower.kill()
                follower.wait()
            said.seek(0)
            text = said.read()
            shown = re.search(r'(\d+) flow events have been shown', text)
            lost = sum(int(count) for count in re.findall(r'losing events: .*, (\d+) in all', text))
            counts.append((int(shown[1]) if shown else 0, lost))
        return counts


class Churn:
    """dpdkfwd, started anew for each window."""

    def __init__(self, place, binaries):
        self.place, self.binaries = place, binaries
        self.name = sides.prefix('churn')
        self.proof = {}
        self.rates = {case: [] for case in CASES}
        self.seen = []

    def round(self, seconds):
        return {case: self._window(case, options, watched, seconds) for case, (options, watched) in CASES.items()}

    def _window(self, case, options, watched, seconds):
        row = self.place.row
        process = subprocess.Popen(
            [f'{self.binaries}/dpdkfwd', *self.place.eal(self.name, self.place.lcores), '--', '--log-level', 'error',
             '--idle-sleep', 'spin', '--mbufs', str(row.mbufs), '--mbuf-size', str(row.mbuf_size),
             '--connections', str(row.connections), *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        watchers = None
        try:
            deadline = time.monotonic() + 60
            while not self._figures('lcores').get('rx_packets', 0):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f'dpdkfwd does not forward: {process.stdout.read()[:400]}')
                time.sleep(0.3)
            time.sleep(1)
            watchers = Watchers(self.name, self.binaries, self.place.main) if watched else None
            thread = window.Thread(process.pid, self.place.thread)
            before, began = self._figures('ct'), time.monotonic()
            cycles = thread.measure(seconds, lambda: self._figures('lcores')['rx_packets'])
            after, lasted = self._figures('ct'), time.monotonic() - began
            self.proof[case] = sides.proof(before, after)
            self.rates[case].append((after['insert'] - before['insert']) / lasted)
            return cycles
        finally:
            if watchers:
                self.seen = watchers.end()
            sides.end(process)
            sides.clean(self.name)

    def _figures(self, kind):
        return sides.figures(self.binaries, self.name, kind)

    def close(self):
        sides.clean(self.name)
